//! Error responses of authorization servers.

use serde::Deserialize;

/// An error response of an authorization server (RFC 6749, 4.1.2.1 and 5.2; RFC 7591, 3.2.2).
#[derive(Debug, Clone, PartialEq, Deserialize, thiserror::Error)]
#[error("{error}{}", error_description.as_deref().map(|d| format!(" ({d})")).unwrap_or_default())]
pub struct OAuthError {
    /// A code of the specifications, such as `access_denied`.
    pub error: String,
    /// Text for people.
    pub error_description: Option<String>,
}

impl OAuthError {
    /// Whether the authorization server does not know the client (any more), or its secret has expired (RFC 6749, 5.2).
    pub(crate) fn is_invalid_client(&self) -> bool {
        self.error == "invalid_client"
    }

    /// What the user can do about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        let description = self.error_description.as_deref().unwrap_or_default();
        // Entra refuses `resource` beside scopes of another resource.
        if self.error == "invalid_target" || description.contains("AADSTS9010010") {
            return Some(
                "the authorization server does not know this resource (RFC 8707): its administrator must add it; if it cannot, pass --omit-resource",
            );
        }
        Some(match self.error.as_str() {
            "access_denied" => {
                "the user or a policy denied it; run again and consent, or log in as another user"
            }
            "invalid_scope" => {
                "one of the scopes is not allowed for this client; pass --scope with fewer, or have them allowed (run with --logout first if the client is registered already)"
            }
            "invalid_client" | "unauthorized_client" => {
                "the authorization server does not know this client (any more), or not its way to authenticate; run with --logout, then again"
            }
            "invalid_grant" => {
                "the code, assertion or refresh token has expired or was used before; run again"
            }
            // Keycloak 26 answers so to `resource` with a grant that yields no refresh token (keycloak#50251).
            "unknown_error" => {
                "Keycloak fails so when `resource` comes with a grant that yields no refresh token: pass --omit-resource, or have the client's attribute client_credentials.use_refresh_token set to true"
            }
            "invalid_redirect_uri" => {
                "pass --redirect-uri with a URI that this authorization server accepts for native clients"
            }
            "interaction_required" | "login_required" | "consent_required" => {
                "run again without --headless"
            }
            "server_error" | "temporarily_unavailable" => "try again later",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_failures_of_providers_name_the_flag_that_helps() {
        for (error, description, expected) in [
            ("invalid_target", None, "--omit-resource"),
            (
                "invalid_request",
                Some("AADSTS9010010: the resource does not match"),
                "--omit-resource",
            ),
            ("unknown_error", None, "--omit-resource"),
        ] {
            let error = OAuthError {
                error: error.to_owned(),
                error_description: description.map(str::to_owned),
            };
            assert!(error.hint().unwrap().contains(expected), "{error}");
        }
    }
}
