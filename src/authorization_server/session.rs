//! Who sits at the browser: a cookie, and the proof that a form came from a page of ours.
//!
//! Rules: RFC 6265 (cookies), RFC 6749 section 10.12 (CSRF). Only a login takes room here: before it, the proof is
//! computed from the cookie, not remembered.

use std::sync::Mutex;

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{accounts::Account, expiring::Expiring, secret};

/// How long a login lasts, in seconds.
const SESSION: u64 = 3600;
const SESSIONS: usize = 1000;

/// One browser.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
    pub(super) account: Option<&'static Account>,
    is_new: bool,
}

/// All browsers with a login.
#[derive(Debug)]
pub(super) struct Sessions {
    cookie_name: String,
    secure: bool,
    key: hmac::Key,
    people: Mutex<Expiring<&'static Account>>,
}

impl Sessions {
    /// Cookies know no ports: servers on one machine need names of their own.
    pub(super) fn new(issuer: &str) -> Self {
        Self {
            cookie_name: format!("mcp_auth_{}", &secret::s256(issuer)[..8]),
            secure: issuer.starts_with("https:"),
            key: hmac::Key::new(hmac::HMAC_SHA256, secret::random().as_bytes()),
            people: Mutex::new(Expiring::new(SESSIONS)),
        }
    }

    /// The session that the request's cookie names, or a new one.
    pub(super) fn of(&self, headers: &HeaderMap, now: u64) -> Session {
        let id = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find(|(name, value)| *name == self.cookie_name && value.len() == 43)
            .map(|(_, id)| id.to_owned());
        match id {
            Some(id) => Session {
                account: self
                    .people
                    .lock()
                    .expect("no panic here")
                    .get(&id, now)
                    .map(|account| *account),
                id,
                is_new: false,
            },
            None => Session { id: secret::random(), account: None, is_new: true },
        }
    }

    /// A login gets a new session: one that somebody else may have planted in this browser stays empty.
    pub(super) fn begin(&self, account: &'static Account, now: u64) -> Session {
        let id = secret::random();
        self.people.lock().expect("no panic here").insert(id.clone(), account, now + SESSION, now);
        Session { id, account: Some(account), is_new: true }
    }

    pub(super) fn end(&self, session: &Session, now: u64) {
        self.people.lock().expect("no panic here").remove(&session.id, now);
    }

    /// What the forms of our pages carry.
    pub(super) fn proof(&self, session: &Session) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, session.id.as_bytes()))
    }

    /// Whether a form was made for this very browser. Compares in constant time.
    pub(super) fn is_ours(&self, session: &Session, proof: Option<&str>) -> bool {
        let tag = proof.and_then(|proof| URL_SAFE_NO_PAD.decode(proof).ok());
        tag.is_some_and(|tag| hmac::verify(&self.key, session.id.as_bytes(), &tag).is_ok())
    }

    /// `Set-Cookie`, when the browser does not have it yet.
    pub(super) fn cookie(&self, session: &Session) -> Option<HeaderValue> {
        let (name, id) = (&self.cookie_name, &session.id);
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={id}; Path=/auth; HttpOnly; SameSite=Lax{secure}");
        session.is_new.then(|| HeaderValue::try_from(text).expect("base64 fits a header"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization_server::accounts::ACCOUNTS;

    fn headers(sessions: &Sessions, session: &Session) -> HeaderMap {
        let cookie = sessions.cookie(session).unwrap();
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, format!("other=1; {cookie}").parse().unwrap())])
    }

    #[test]
    fn a_login_is_known_by_its_cookie_until_it_ends() {
        let sessions = Sessions::new("https://as.example");
        let session = sessions.begin(&ACCOUNTS[0], 100);
        let cookie = sessions.cookie(&session).unwrap();
        assert!(cookie.to_str().unwrap().ends_with("; Path=/auth; HttpOnly; SameSite=Lax; Secure"));
        let headers = headers(&sessions, &session);
        assert_eq!(sessions.of(&headers, 101).account, Some(&ACCOUNTS[0]));
        assert_eq!(sessions.of(&headers, 100 + SESSION).account, None);
        sessions.end(&session, 101);
        assert_eq!(sessions.of(&headers, 101).account, None);
        assert_eq!(sessions.of(&HeaderMap::new(), 101).account, None);
    }

    #[test]
    fn a_form_belongs_to_one_browser() {
        let sessions = Sessions::new("http://localhost");
        let [mine, other] = [(); 2].map(|()| sessions.of(&HeaderMap::new(), 0));
        let proof = sessions.proof(&mine);
        let again = sessions.of(&headers(&sessions, &mine), 0);
        assert!(sessions.is_ours(&again, Some(&proof)));
        assert!(!sessions.is_ours(&other, Some(&proof)));
        assert!(!sessions.is_ours(&mine, None) && !sessions.is_ours(&mine, Some("")));
        assert!(sessions.cookie(&again).is_none(), "the browser has it already");
    }
}
