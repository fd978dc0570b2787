//! Rules of a deployment beyond those of the RFCs: which clients, which claims, how old a token may be.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{claims::Claims, error::TokenError};

/// What tokens of one issuer must fulfil beside the RFCs' rules.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) allowed_clients: Option<BTreeSet<String>>,
    pub(super) required_claims: Vec<(String, Value)>,
    pub(super) max_age: Option<Duration>,
}

impl Rules {
    /// # Errors
    /// When the claims break a rule. `now` is in seconds since 1970.
    pub(super) fn validate(&self, claims: &Claims, now: u64) -> Result<(), TokenError> {
        if let Some(allowed) = &self.allowed_clients {
            let mut clients = claims.client_ids().peekable();
            let is_named = clients.peek().is_some();
            let other = clients.find(|&client| !allowed.contains(client));
            if !is_named || other.is_some() {
                return Err(TokenError::ClientNotAllowed(other.map(str::to_owned)));
            }
        }
        for (claim, required) in &self.required_claims {
            let has_value = match claims.get(claim) {
                Some(Value::Array(elements)) => elements.contains(required),
                value => value == Some(required),
            };
            if !has_value {
                return Err(TokenError::MissingClaim(claim.clone()));
            }
        }
        if let Some(max_age) = self.max_age {
            let iat = claims.numeric_date("iat");
            let iat = iat.ok_or_else(|| TokenError::MissingClaim("iat".to_owned()))?;
            #[allow(clippy::cast_precision_loss)] // seconds fit into 53 bits
            if iat + max_age.as_secs_f64() <= now as f64 {
                return Err(TokenError::TooOld);
            }
        }
        Ok(())
    }

    /// When a token breaks the rule on its age, in seconds since 1970.
    pub(super) fn expires_at(&self, claims: &Claims) -> Option<u64> {
        let max_age = self.max_age?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        claims.numeric_date("iat").map(|iat| (iat + max_age.as_secs_f64()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_rejects_what_breaks_it_and_nothing_else() {
        let clients =
            Rules { allowed_clients: Some(BTreeSet::from(["app".to_owned()])), ..Rules::default() };
        let claims = Rules {
            required_claims: vec![
                ("tid".to_owned(), "acme".into()),
                ("email_verified".to_owned(), true.into()),
            ],
            ..Rules::default()
        };
        let age = Rules { max_age: Some(Duration::from_secs(60)), ..Rules::default() };
        let missing = |claim: &str| Err(TokenError::MissingClaim(claim.to_owned()));
        let client =
            |client: Option<&str>| Err(TokenError::ClientNotAllowed(client.map(str::to_owned)));
        for (rules, token, expected) in [
            (&Rules::default(), "{}", Ok(())),
            (&clients, r#"{"azp":"app"}"#, Ok(())),
            (&clients, r#"{"client_id":"app"}"#, Ok(())),
            (&clients, r#"{"azp":"app","client_id":"app"}"#, Ok(())),
            (&clients, r#"{"azp":"other","client_id":"app"}"#, client(Some("other"))),
            (&clients, r#"{"azp":"app","client_id":"other"}"#, client(Some("other"))),
            (&clients, r#"{"cid":"app "}"#, client(Some("app "))),
            (&clients, r#"{"appid":""}"#, client(Some(""))),
            (&clients, r#"{"azp":["app"]}"#, client(None)),
            (&clients, "{}", client(None)),
            (&claims, r#"{"tid":"acme","email_verified":true}"#, Ok(())),
            (&claims, r#"{"tid":["other","acme"],"email_verified":true}"#, Ok(())),
            (&claims, r#"{"tid":"acme-2","email_verified":true}"#, missing("tid")),
            (&claims, r#"{"tid":"acme","email_verified":"true"}"#, missing("email_verified")),
            (&claims, "{}", missing("tid")),
            (&age, r#"{"iat":941}"#, Ok(())),
            (&age, r#"{"iat":940}"#, Err(TokenError::TooOld)),
            (&age, r#"{"iat":"yesterday"}"#, missing("iat")),
            (&age, "{}", missing("iat")),
        ] {
            let claims = serde_json::from_str(token).unwrap();
            assert_eq!(rules.validate(&claims, 1000), expected, "{token}");
        }
    }
}
