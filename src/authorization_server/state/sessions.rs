//! Browser sessions: a cookie, and the token that protects the forms of the pages.
//!
//! Specs: RFC 6265 (cookies), RFC 6749 section 10.12 (CSRF). Only a login is stored: before it, the form token is
//! computed from the cookie.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::accounts::Account;
use crate::authorization_server::{secret, ttl_map::TtlMap};

/// Seconds.
const SESSION_TTL: u64 = 3600;
const MAX_SESSIONS: usize = 1000;

/// The session of one browser.
#[derive(Debug)]
pub(crate) struct Session {
    id: String,
    pub(crate) account: Option<Arc<Account>>,
    is_new: bool,
}

/// All sessions with a login.
#[derive(Debug)]
pub(crate) struct Sessions {
    cookie_name: String,
    secure: bool,
    key: hmac::Key,
    logins: Mutex<TtlMap<Arc<Account>>>,
}

impl Sessions {
    /// Cookies are not separated by port, so each issuer has a cookie name of its own.
    pub(crate) fn new(issuer: &str) -> Self {
        Self {
            cookie_name: format!("mcp_auth_{}", &secret::s256(issuer)[..8]),
            secure: issuer.starts_with("https:"),
            key: hmac::Key::new(hmac::HMAC_SHA256, secret::random().as_bytes()),
            logins: Mutex::new(TtlMap::new(MAX_SESSIONS)),
        }
    }

    /// The session that the request's cookie names, or a new one.
    pub(crate) fn of(&self, headers: &HeaderMap, now: u64) -> Session {
        let id = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, value)| *name == self.cookie_name && value.len() == 43)
            .map(|(_, id)| id.to_owned());
        let Some(id) = id else {
            return Session { id: secret::random(), account: None, is_new: true };
        };
        let account = self.logins.lock().expect("not poisoned").get(&id, now).cloned();
        Session { id, account, is_new: false }
    }

    /// A login gets a new session id: an attacker may have planted the old one in this browser.
    pub(crate) fn log_in(&self, account: Arc<Account>, now: u64) -> Session {
        let id = secret::random();
        let mut logins = self.logins.lock().expect("not poisoned");
        logins.insert(id.clone(), Arc::clone(&account), now + SESSION_TTL, now);
        Session { id, account: Some(account), is_new: true }
    }

    pub(crate) fn log_out(&self, session: &Session, now: u64) {
        self.logins.lock().expect("not poisoned").remove(&session.id, now);
    }

    /// The hidden field of a form: a MAC over the session and over `shown`, everything that the page tells the user. A
    /// form is accepted only from this browser and only for what this user has seen.
    pub(crate) fn csrf_token(&self, session: &Session, shown: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, &authenticated(session, shown)))
    }

    /// Whether the form was made for this browser and for what it shows. Compares in constant time.
    pub(crate) fn verify_csrf(&self, session: &Session, shown: &[u8], token: Option<&str>) -> bool {
        let tag = token.and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
        tag.is_some_and(|tag| hmac::verify(&self.key, &authenticated(session, shown), &tag).is_ok())
    }

    /// `Set-Cookie`, unless the browser has the cookie already. Without `Path` the browser returns it to the folder of the
    /// request (RFC 6265, 5.1.4): `/auth`, below whatever prefix a proxy or the public URL adds.
    pub(crate) fn cookie(&self, session: &Session) -> Option<HeaderValue> {
        let (name, id) = (&self.cookie_name, &session.id);
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={id}; HttpOnly; SameSite=Lax{secure}");
        session.is_new.then(|| HeaderValue::try_from(text).expect("base64 fits a header"))
    }
}

/// A session id always has 43 characters, so the two parts cannot be shifted.
fn authenticated(session: &Session, shown: &[u8]) -> Vec<u8> {
    [session.id.as_bytes(), shown].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(sessions: &Sessions, session: &Session) -> HeaderMap {
        let cookie = sessions.cookie(session).unwrap();
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, format!("other=1; {cookie}").parse().unwrap())])
    }

    #[test]
    fn a_login_is_found_by_its_cookie_until_it_ends() {
        let sessions = Sessions::new("https://as.example");
        let alice = Arc::new(Account::new("alice", "alice123"));
        let session = sessions.log_in(Arc::clone(&alice), 100);
        let cookie = sessions.cookie(&session).unwrap();
        assert!(cookie.to_str().unwrap().ends_with("; HttpOnly; SameSite=Lax; Secure"));
        let headers = headers(&sessions, &session);
        assert_eq!(sessions.of(&headers, 101).account, Some(alice));
        assert_eq!(sessions.of(&headers, 100 + SESSION_TTL).account, None);
        sessions.log_out(&session, 101);
        assert_eq!(sessions.of(&headers, 101).account, None);
        assert_eq!(sessions.of(&HeaderMap::new(), 101).account, None);
    }

    #[test]
    fn a_form_is_bound_to_one_browser_and_to_what_it_shows() {
        let sessions = Sessions::new("http://localhost");
        let [mine, other] = [(); 2].map(|()| sessions.of(&HeaderMap::new(), 0));
        let token = sessions.csrf_token(&mine, b"request");
        let again = sessions.of(&headers(&sessions, &mine), 0);
        assert!(sessions.verify_csrf(&again, b"request", Some(&token)));
        assert!(!sessions.verify_csrf(&other, b"request", Some(&token)));
        assert!(!sessions.verify_csrf(&mine, b"another request", Some(&token)));
        for invalid in [None, Some(""), Some("AAAA")] {
            assert!(!sessions.verify_csrf(&mine, b"request", invalid));
        }
        assert!(sessions.cookie(&again).is_none(), "the browser has it already");
    }
}
