//! gen-token: signs access tokens with the key pair in `keys/`, for steps 5 to 9.
//!
//! It replaces an authorization server until step 7. Anyone with the private key can impersonate any user.
//!
//! Spec: RFC 7519, RFC 9068 section 2.2

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use clap::Parser;
use jiff::Timestamp;
use mcp_auth::auth::keys::KeyPair;
use serde::Serialize;

/// Signs tokens for steps 5 to 9 with the key pair in keys/.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Examples:
  gen-token --username alice                                 token_alice.json, scopes mcp:read and mcp:tools
  gen-token --username bob --scopes mcp:read,mcp:prompts     other scopes
  TOKEN=$(cargo run -q --bin gen-token -- --username alice --print-token)
  gen-token --demo                                           alice, bob and admin at once
  gen-token --generate-keys                                  a new key pair; earlier tokens become invalid"
)]
struct Args {
    /// The user; `admin` and `administrator` get the role admin.
    #[arg(long, required_unless_present_any = ["demo", "generate_keys"])]
    username: Option<String>,
    /// Scopes, separated by commas; "" for none.
    #[arg(long, default_value = "mcp:read,mcp:tools")]
    scopes: String,
    /// Hours until the token expires.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=8760))]
    expires: u32,
    /// Roles, separated by commas. [default: user, and admin for admin and administrator]
    #[arg(long)]
    roles: Option<String>,
    /// `aud`: the server that the token is for.
    #[arg(long, default_value = "mcp-server")]
    audience: String,
    /// Print the token and nothing else, and write no file.
    #[arg(long)]
    print_token: bool,
    /// Write demo_tokens.json with tokens for alice, bob and admin.
    #[arg(long, conflicts_with_all = ["username", "print_token"])]
    demo: bool,
    /// Replace the key pair.
    #[arg(long)]
    generate_keys: bool,
    /// Folder of the key pair.
    #[arg(long, env = "MCP_KEYS_DIR", default_value = "keys")]
    keys_dir: PathBuf,
}

#[derive(Clone, Serialize)]
struct Claims {
    iss: &'static str,
    aud: String,
    sub: String,
    iat: u64,
    exp: u64,
    preferred_username: String,
    scope: String,
    scopes: Vec<String>,
    roles: Vec<String>,
}

/// One entry of demo_tokens.json.
#[derive(Serialize)]
struct DemoToken {
    user: String,
    scopes: Vec<String>,
    token: String,
    payload: Claims,
}

/// token_NAME.json
#[derive(Serialize)]
struct TokenFile {
    username: String,
    scopes: Vec<String>,
    token: String,
    payload: Claims,
    expires_at: String,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Returned from `main`, it would bring its frames with RUST_BACKTRACE=1, and a wrong setting is no bug.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    if args.generate_keys {
        KeyPair::remove(&args.keys_dir)?;
        KeyPair::create(&args.keys_dir)?;
        println!("New key pair in {}", args.keys_dir.display());
        return Ok(());
    }
    let keys = KeyPair::load_or_create(&args.keys_dir)?;
    match &args.username {
        Some(username) => single(args, &keys, username),
        None => demo(args, &keys),
    }
}

fn single(args: &Args, keys: &KeyPair, username: &str) -> anyhow::Result<()> {
    let payload = claims(args, username, list(&args.scopes))?;
    let token = keys.sign("JWT", &payload)?;
    if args.print_token {
        println!("{token}");
        return Ok(());
    }
    let name = username.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@".contains(c));
    ensure!(
        name && !username.starts_with('.') && username.len() <= 64,
        "--username {username:?} cannot be part of a file name; use letters, digits, - _ . @, or --print-token"
    );
    let expires_at = rfc3339(payload.exp)?;
    let file = format!("token_{username}.json");
    println!("Username: {username}");
    println!("Scopes:   {}", payload.scopes.join(", "));
    println!("Roles:    {}", payload.roles.join(", "));
    println!("Expires:  {expires_at}");
    println!("Token:    {token}");
    let scopes = payload.scopes.clone();
    let content = TokenFile { username: username.to_owned(), scopes, token, payload, expires_at };
    write_private(Path::new(&file), &content)?;
    println!("Saved to  {file}");
    Ok(())
}

fn demo(args: &Args, keys: &KeyPair) -> anyhow::Result<()> {
    let mut tokens = Vec::new();
    for (user, scopes) in [
        ("alice", "mcp:read,mcp:tools"),
        ("bob", "mcp:read,mcp:prompts"),
        ("admin", "mcp:read,mcp:tools,mcp:prompts"),
    ] {
        let payload = claims(args, user, list(scopes))?;
        let token = keys.sign("JWT", &payload)?;
        println!("{user}: {} (until {})\n{token}\n", payload.scope, rfc3339(payload.exp)?);
        tokens.push(DemoToken {
            user: user.to_owned(),
            scopes: payload.scopes.clone(),
            token,
            payload,
        });
    }
    write_private(Path::new("demo_tokens.json"), &tokens)?;
    println!("Saved to demo_tokens.json");
    Ok(())
}

fn claims(args: &Args, username: &str, scopes: Vec<String>) -> anyhow::Result<Claims> {
    ensure!(!username.trim().is_empty(), "--username must not be empty");
    let iat = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("this machine's clock is before 1970")?
        .as_secs();
    let admin = ["admin", "administrator"].iter().any(|name| name.eq_ignore_ascii_case(username));
    let roles = match &args.roles {
        Some(roles) => list(roles),
        None => ["user"].into_iter().chain(admin.then_some("admin")).map(str::to_owned).collect(),
    };
    Ok(Claims {
        iss: "mcp-simple-auth",
        aud: args.audience.clone(),
        sub: format!("user_{username}"),
        iat,
        exp: iat + u64::from(args.expires) * 3600,
        preferred_username: username.to_owned(),
        scope: scopes.join(" "),
        scopes,
        roles,
    })
}

/// The elements of a comma-separated list, trimmed; none for an empty text.
fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|element| !element.is_empty())
        .map(str::to_owned)
        .collect()
}

fn rfc3339(seconds: u64) -> anyhow::Result<String> {
    Ok(Timestamp::from_second(i64::try_from(seconds)?)?.to_string())
}

/// Writes a file with mode 0600, completely or not at all.
fn write_private(path: &Path, content: &impl Serialize) -> anyhow::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(".").context("cannot write into this folder")?;
    serde_json::to_writer_pretty(&mut file, content)?;
    writeln!(file)?;
    file.persist(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}
