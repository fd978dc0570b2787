//! `tokens FOLDER COUNT [ISSUER]`: so many different tokens, signed with the key pair in the folder, one a line.

use std::{
    env, fs,
    io::{BufWriter, Write, stdout},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

fn main() -> std::io::Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().expect("the folder of the key pair");
    let count: u32 = arguments.next().and_then(|text| text.parse().ok()).expect("a count");
    let issuer = arguments.next().unwrap_or("mcp-simple-auth".to_owned());
    let pem = fs::read(Path::new(&folder).join("mcp_private_key.pem"))?;
    let key = EncodingKey::from_rsa_pem(&pem).expect("an RSA key");
    let header = Header { kid: Some("mcp-key-1".to_owned()), ..Header::new(Algorithm::RS256) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let mut out = BufWriter::new(stdout());
    for number in 0..count {
        // The claims of gen-token.
        let name = format!("user{number:06}");
        let claims = json!({
            "iss": issuer, "aud": "mcp-server", "sub": format!("user_{name}"),
            "iat": now, "exp": now + 24 * 3600, "preferred_username": name,
            "scope": "mcp:read mcp:tools", "scopes": ["mcp:read", "mcp:tools"], "roles": ["user"],
        });
        writeln!(out, "{}", encode(&header, &claims, &key).expect("a token"))?;
    }
    out.flush()
}
