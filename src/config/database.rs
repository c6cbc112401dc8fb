//! Where the database is.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use super::{
    explain::shown_text,
    problems::{ConfigError, Problems},
    root_secret::RootSecret,
    secret::{self, Secret},
};

/// The parameters of a PostgreSQL URL, by the names that `libpq` gives them.
const PARAMETERS: [&str; 6] = [
    "host",
    "port",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
];
/// The values of `sslmode`.
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// Where the database is, and what opens its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// Where it is.
    pub place: DatabasePlace,
    /// Under which its secrets are sealed. `None`, for SQLite alone: they are not.
    pub root_secret: Option<RootSecret>,
}

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabasePlace {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A database on a PostgreSQL server.
    Postgres(PostgresConfig),
}

/// A database on a PostgreSQL server. It is displayed without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresConfig {
    url: Secret,
    password: Option<Secret>,
    grace: Duration,
    shown: String,
}

impl PostgresConfig {
    /// The URL, which may hold a password.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.expose()
    }

    /// The password, if a file of its own holds it.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        self.password.as_ref().map(Secret::expose)
    }

    /// For how long what is remembered of it is served while it cannot be reached.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.grace
    }
}

impl fmt::Display for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Display for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            DatabasePlace::Sqlite(path) => path.display().fmt(f),
            DatabasePlace::Postgres(server) => server.fmt(f),
        }
    }
}

impl DatabaseConfig {
    /// A SQLite file whose secrets are not sealed.
    #[must_use]
    pub fn sqlite(path: PathBuf) -> Self {
        Self {
            place: DatabasePlace::Sqlite(path),
            root_secret: None,
        }
    }

    /// Reads an option of the command line: a path in it starts at the working folder, and a password
    /// may only be in a file, since everybody on a machine sees the arguments of its processes.
    /// `root_secret`: what opens its secrets.
    ///
    /// # Errors
    /// What is wrong with it, without what may be secret.
    pub fn of_option(
        option: &str,
        text: &str,
        password_file: Option<&Path>,
        root_secret: Option<RootSecret>,
    ) -> Result<Self, String> {
        if Url::parse(text).is_ok_and(|url| url.password().is_some()) {
            return Err(format!(
                "{option}: holds a password, which everybody on this machine sees among the arguments of its \
                 processes: change it; allowed is a file with it, by {option}-password-file"
            ));
        }
        let mut problems = Problems::default();
        let keys = DatabaseKeys {
            database: text,
            password_file,
            grace: Duration::ZERO,
        };
        let read = place(&keys, Path::new(""), &mut problems);
        match read {
            Some(DatabasePlace::Postgres(_)) if problems.is_empty() && root_secret.is_none() => {
                Err(format!(
                    "{option}: is on a PostgreSQL server, where secrets are sealed; needed is root_secret_file in the \
                     configuration, or {option}-root-secret-file. {MADE_BY}"
                ))
            }
            Some(place) if problems.is_empty() => Ok(Self { place, root_secret }),
            _ => {
                let problems = ConfigError::from(problems).to_string();
                let of_file = format!("{option}-password-file:");
                let problems = problems.replace("database_password_file:", &of_file);
                Err(problems.replace("database:", &format!("{option}:")))
            }
        }
    }
}

/// What the file says of the database.
pub(super) struct DatabaseKeys<'f> {
    pub(super) database: &'f str,
    pub(super) password_file: Option<&'f Path>,
    pub(super) grace: Duration,
}

/// How a root secret is made.
const MADE_BY: &str = "One is made by (umask 077; openssl rand -base64 32 > root-secret); keep a copy: without it, the \
     database cannot be opened";

/// Reads the keys `database`, `database_password_file` and `database_grace`, and `root_secret_file`.
pub(super) fn checked(
    keys: &DatabaseKeys<'_>,
    root_secret_file: Option<&Path>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<DatabaseConfig> {
    let root_secret = root_secret_file.map(|file| RootSecret::read(&folder.join(file)));
    let root_secret = match root_secret.transpose() {
        Ok(root_secret) => root_secret,
        Err(why) => {
            problems.add("root_secret_file", why);
            None
        }
    };
    let place = place(keys, folder, problems)?;
    if matches!(place, DatabasePlace::Postgres(_)) && root_secret_file.is_none() {
        problems.add(
            "root_secret_file",
            format_args!(
                "is missing; database is on a PostgreSQL server, where secrets are sealed, so it is needed: the \
                 path of a file that all services on the database have. {MADE_BY}"
            ),
        );
    }
    Some(DatabaseConfig { place, root_secret })
}

fn place(keys: &DatabaseKeys<'_>, folder: &Path, problems: &mut Problems) -> Option<DatabasePlace> {
    let text = keys.database;
    // A database URL may hold a password, so only its scheme is repeated.
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    if matches!(scheme, Some("postgres" | "postgresql")) {
        let server = server(keys, folder, problems)?;
        return Some(DatabasePlace::Postgres(server));
    }
    if keys.password_file.is_some() {
        problems.add(
            "database_password_file",
            "is given, but database is no postgres:// URL; allowed is to leave it out",
        );
    }
    let Some(path) = text.strip_prefix("sqlite:") else {
        let found = scheme.map_or_else(
            || shown_text(text),
            |scheme| format!("a URL of the scheme {}", shown_text(scheme)),
        );
        let allowed = "allowed is sqlite:<path> or postgres://<user>@<host>/<name>";
        problems.add("database", format_args!("found {found}; {allowed}"));
        return None;
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains('?') || path == ":memory:" {
        problems.add(
            "database",
            "found sqlite: without the path of a file; allowed is sqlite:<path>, without parameters",
        );
        return None;
    }
    Some(DatabasePlace::Sqlite(folder.join(path)))
}

fn server(
    keys: &DatabaseKeys<'_>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<PostgresConfig> {
    let Some(url) = postgres_url(keys.database, problems) else {
        problems.add(
            "database",
            "found no usable postgres:// URL; allowed is postgres://<user>@<host>[:<port>]/<name>[?sslmode=…]",
        );
        return None;
    };
    let password = match keys.password_file {
        None => None,
        Some(_) if url.password().is_some() => {
            problems.add(
                "database_password_file",
                "is given together with a password in database; allowed is one of them",
            );
            return None;
        }
        file => {
            let key = "database_password";
            Some(secret::resolve_text(key, None, file, folder, problems)?)
        }
    };
    let mut shown = url.clone();
    shown.set_query(None);
    // Neither fails for a URL that has a host.
    let _ = shown.set_password(None);
    Some(PostgresConfig {
        url: Secret::new(keys.database),
        password,
        grace: keys.grace,
        shown: shown.into(),
    })
}

/// The URL, if it names a host and a database and nothing that is not understood.
fn postgres_url(text: &str, problems: &mut Problems) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let mut has_host = url.host_str().is_some_and(|host| !host.is_empty());
    for (name, value) in url.query_pairs() {
        if !PARAMETERS.contains(&&*name) {
            let found = shown_text(&name);
            let allowed = PARAMETERS.join(", ");
            problems.add(
                "database",
                format_args!("found the parameter {found}; allowed are {allowed}"),
            );
        } else if name == "sslmode" && !SSL_MODES.contains(&&*value) {
            let found = shown_text(&value);
            let allowed = SSL_MODES.join(", ");
            problems.add(
                "database",
                format_args!("found sslmode={found}; allowed are {allowed}"),
            );
        }
        has_host |= name == "host";
    }
    let name = url.path().trim_start_matches('/');
    (has_host && !name.is_empty() && !name.contains('/') && url.fragment().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DatabasePlace, String> {
        let mut problems = Problems::default();
        let keys = DatabaseKeys {
            database: text,
            password_file: None,
            grace: Duration::from_secs(7),
        };
        let read = place(&keys, Path::new("/etc/medialink"), &mut problems);
        match read {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(super::super::ConfigError::from(problems).to_string()),
        }
    }

    #[test]
    fn a_server_is_shown_without_its_password() {
        let read = read("postgres://m:hunter2@db.example.org:5433/links?sslmode=verify-full");
        let place = read.expect("a server");
        let root_secret = RootSecret::parse(&"ab".repeat(32)).ok();
        let config = DatabaseConfig { place, root_secret };
        assert_eq!(config.to_string(), "postgres://m@db.example.org:5433/links");
        assert!(!format!("{config:?}").contains("hunter2"));
        let socket = "postgres:///links?host=/run/postgresql";
        assert!(matches!(self::read(socket), Ok(DatabasePlace::Postgres(_))));
    }

    #[test]
    fn an_option_holds_no_password_and_is_told_by_its_name() {
        for (text, found) in [
            (
                "postgres://m:hunter2@db.example.org/links",
                "--to: holds a password",
            ),
            ("postgres://m:hunter2@/links", "--to: found no usable"),
            (
                "postgres://m@db/links?password=hunter2",
                "--to: found the parameter",
            ),
            ("links.db", "--to: found a"),
        ] {
            let error = DatabaseConfig::of_option("--to", text, None, None).expect_err(text);
            assert!(
                error.contains(found) && error.contains("allowed") && !error.contains("hunter2"),
                "{text}: {error}"
            );
        }
        let missing = Some(Path::new("/nonexistent/password"));
        let of_server = DatabaseConfig::of_option("--to", "postgres://m@db/links", missing, None);
        let error = of_server.expect_err("no file");
        assert!(
            error.starts_with("--to-password-file: /nonexistent"),
            "{error}"
        );
        let file = DatabaseConfig::of_option("--from", "sqlite:data/m.db", None, None);
        assert_eq!(file, Ok(DatabaseConfig::sqlite(PathBuf::from("data/m.db"))));
        let of_server = DatabaseConfig::of_option("--to", "postgres://m@db/links", None, None);
        let error = of_server.expect_err("no root secret");
        assert!(error.contains("--to-root-secret-file"), "{error}");
    }

    #[test]
    fn what_is_no_server_or_not_understood_is_refused_without_the_password() {
        for (text, found) in [
            (
                "postgres://m:hunter2@db.example.org/",
                "no usable postgres:// URL",
            ),
            ("postgres://m:hunter2@/links", "no usable postgres:// URL"),
            (
                "postgres://m:hunter2@db/links/more",
                "no usable postgres:// URL",
            ),
            (
                "postgres://m:hunter2@db/links?ssl=1",
                "the parameter \"ssl\"",
            ),
            ("postgres://m:hunter2@db/links?sslmode=on", "sslmode=\"on\""),
            (
                "mysql://m:hunter2@db/links",
                "a URL of the scheme \"mysql\"",
            ),
            ("sqlite:", "sqlite: without the path"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(found), "{text}: {error}");
            assert!(
                error.contains("allowed") && !error.contains("hunter2"),
                "{text}: {error}"
            );
        }
    }
}
