//! Where a machine moves to or comes from, as the user writes it: `unix:PATH`, `tcp:HOST:PORT`, `tls:HOST:PORT?ca=…&cert=…&key=…`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A place that one side listens at and the other connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uri {
    /// A Unix socket.
    Unix(PathBuf),
    /// TCP, neither encrypted nor authenticated: for networks that only the two hosts are in, and for tunnels.
    Tcp(Endpoint),
    /// TLS over TCP, each side knowing the other by its certificate.
    Tls(Endpoint, TlsFiles),
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address, without the brackets of IPv6.
    pub host: String,
    /// Port; 0 at the listening side: one that is free.
    pub port: u16,
}

/// Who we are, and whom we believe. All files are PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the authorities that may vouch for the other side.
    pub ca: PathBuf,
    /// Our certificate, followed by those between it and its authority.
    pub cert: PathBuf,
    /// Our private key.
    pub key: PathBuf,
    /// What the destination's certificate must name, where that is not the host of the URI.
    pub name: Option<String>,
}

/// Why a text is no such place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Unknown kind.
    #[error(
        "{0:?} does not say how to connect; write unix:PATH, tcp:HOST:PORT or tls:HOST:PORT?ca=FILE&cert=FILE&key=FILE"
    )]
    Scheme(String),
    /// `unix:` without a path, or with one that a socket can't have.
    #[error(
        "unix: needs the path of a socket, of 1 to 106 bytes, for example unix:/run/paprika/incoming"
    )]
    Path,
    /// No host and port.
    #[error("{0:?} is not HOST:PORT, for example host2:4444, 192.0.2.7:4444 or [2001:db8::7]:4444")]
    Endpoint(String),
    /// TLS without one of its files.
    #[error("tls: needs {0}=FILE; write tls:HOST:PORT?ca=FILE&cert=FILE&key=FILE")]
    Missing(&'static str),
    /// An unknown key, an empty value, or one that comes twice.
    #[error(
        "{0:?} is not understood; tls: takes ca=, cert=, key= and name=, each once and with a value"
    )]
    Key(String),
    /// `tcp:` with a query.
    #[error("tcp: takes no options; did you mean tls:?")]
    NoOptions,
}

/// The longest path of a Unix socket: its address has room for 108 bytes, of which the last is 0, and one more while it is made.
const UNIX_PATH_MAX: usize = 106;

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let (scheme, rest) = text
            .split_once(':')
            .ok_or_else(|| UriError::Scheme(text.into()))?;
        match scheme {
            "unix" => {
                let fits = (1..=UNIX_PATH_MAX).contains(&rest.len()) && !rest.contains('\0');
                fits.then(|| Self::Unix(rest.into())).ok_or(UriError::Path)
            }
            "tcp" if rest.contains('?') => Err(UriError::NoOptions),
            "tcp" => Ok(Self::Tcp(rest.parse()?)),
            "tls" => {
                let (endpoint, query) = rest.split_once('?').unwrap_or((rest, ""));
                Ok(Self::Tls(endpoint.parse()?, query.parse()?))
            }
            _ => Err(UriError::Scheme(text.into())),
        }
    }
}

impl FromStr for Endpoint {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let wrong = || UriError::Endpoint(text.into());
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let bare = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host = match bare {
            Some(address) if address.parse::<std::net::Ipv6Addr>().is_ok() => address,
            Some(_) => return Err(wrong()),
            None if host.is_empty() || host.contains([':', '[', ']', '/', ' ']) => {
                return Err(wrong());
            }
            None => host,
        };
        Ok(Self {
            host: host.into(),
            port,
        })
    }
}

impl FromStr for TlsFiles {
    type Err = UriError;

    fn from_str(query: &str) -> Result<Self, UriError> {
        let (mut ca, mut cert, mut key, mut name) = (None, None, None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let wrong = || UriError::Key(pair.into());
            let (what, value) = pair.split_once('=').ok_or_else(wrong)?;
            let place = match what {
                "ca" => &mut ca,
                "cert" => &mut cert,
                "key" => &mut key,
                "name" => &mut name,
                _ => return Err(wrong()),
            };
            if value.is_empty() || place.replace(value.to_owned()).is_some() {
                return Err(wrong());
            }
        }
        let file =
            |value: Option<String>, what| value.map(PathBuf::from).ok_or(UriError::Missing(what));
        Ok(Self {
            ca: file(ca, "ca")?,
            cert: file(cert, "cert")?,
            key: file(key, "key")?,
            name,
        })
    }
}

impl Uri {
    /// The same with paths that hold in another directory too.
    ///
    /// # Errors
    /// Where the current directory can't be found.
    pub fn absolute(self) -> std::io::Result<Self> {
        use std::path::absolute;
        Ok(match self {
            Self::Unix(path) => Self::Unix(absolute(path)?),
            Self::Tcp(endpoint) => Self::Tcp(endpoint),
            Self::Tls(endpoint, files) => {
                let files = TlsFiles {
                    ca: absolute(files.ca)?,
                    cert: absolute(files.cert)?,
                    key: absolute(files.key)?,
                    name: files.name,
                };
                Self::Tls(endpoint, files)
            }
        })
    }

    /// All of it, to be parsed again.
    pub fn written(&self) -> String {
        let Self::Tls(_, files) = self else {
            return self.to_string();
        };
        let TlsFiles {
            ca,
            cert,
            key,
            name,
        } = files;
        let name = name.as_ref().map(|name| format!("&name={name}"));
        format!(
            "{self}?ca={}&cert={}&key={}{}",
            ca.display(),
            cert.display(),
            key.display(),
            name.unwrap_or_default()
        )
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Without the files of TLS: for messages.
impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(endpoint) => write!(f, "tcp:{endpoint}"),
            Self::Tls(endpoint, _) => write!(f, "tls:{endpoint}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: &str, port: u16) -> Endpoint {
        Endpoint {
            host: host.into(),
            port,
        }
    }

    #[test]
    fn every_kind_of_place_is_understood() {
        let parse = |text: &str| text.parse::<Uri>();
        assert_eq!(parse("unix:/run/a b"), Ok(Uri::Unix("/run/a b".into())));
        assert_eq!(
            parse("tcp:host2:4444"),
            Ok(Uri::Tcp(endpoint("host2", 4444)))
        );
        assert_eq!(parse("tcp:[::1]:1"), Ok(Uri::Tcp(endpoint("::1", 1))));
        let files = TlsFiles {
            ca: "a".into(),
            cert: "b".into(),
            key: "c".into(),
            name: Some("guest-host".into()),
        };
        let tls = Uri::Tls(endpoint("10.0.0.1", 65535), files);
        assert_eq!(
            parse("tls:10.0.0.1:65535?key=c&ca=a&name=guest-host&cert=b"),
            Ok(tls.clone())
        );
        assert_eq!(parse(&tls.written()), Ok(tls.clone()));
        assert_eq!(tls.to_string(), "tls:10.0.0.1:65535", "no file is shown");
    }

    #[test]
    fn what_is_no_place_is_refused_with_what_would_be_right() {
        let long = format!("unix:{}", "x".repeat(107));
        for (text, said) in [
            ("", "does not say how"),
            ("/run/socket", "does not say how"),
            ("ssh:host:1", "write unix:PATH"),
            ("unix:", "needs the path of a socket"),
            (&long, "1 to 106 bytes"),
            ("tcp:host", "is not HOST:PORT"),
            ("tcp:host:", "is not HOST:PORT"),
            ("tcp:host:65536", "is not HOST:PORT"),
            ("tcp::4444", "is not HOST:PORT"),
            ("tcp:::1:4444", "is not HOST:PORT"),
            ("tcp:[host]:4444", "is not HOST:PORT"),
            ("tcp:host:1?ca=x", "did you mean tls:"),
            ("tls:host:1", "needs ca=FILE"),
            ("tls:host:1?ca=a&cert=b", "needs key=FILE"),
            ("tls:host:1?ca=a&ca=b", "each once"),
            ("tls:host:1?ca=", "with a value"),
            ("tls:host:1?password=x", "is not understood"),
        ] {
            let error = text.parse::<Uri>().expect_err(text).to_string();
            assert!(error.contains(said), "{text:?}: {error}");
        }
    }
}
