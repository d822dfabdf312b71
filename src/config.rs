//! Which settings does the control plane take, and are they right?

use std::net::SocketAddr;

/// How a control plane is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where the API listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The database, created if need be: `sqlite:PATH`.
    pub database_url: String,
    /// Whether it may listen where other machines reach it, though nobody has to say who they are.
    pub insecure: bool,
}

impl ServerConfig {
    /// Whether other machines may reach the API.
    pub const fn is_exposed(&self) -> bool {
        !self.listen.ip().is_loopback()
    }

    /// Refuses what must not be started, as a sentence.
    pub fn check(&self) -> Result<(), String> {
        if self.is_exposed() && !self.insecure {
            return Err(format!(
                "{} can be reached by other machines, and nobody would have to say who they are: listen on 127.0.0.1, \
                 or say --insecure if the network keeps strangers out",
                self.listen
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str, insecure: bool) -> ServerConfig {
        ServerConfig { listen: listen.parse().unwrap(), database_url: "sqlite:locum.db".to_owned(), insecure }
    }

    #[test]
    fn only_loopback_needs_no_identity() {
        for loopback in ["127.0.0.1:0", "127.3.2.1:7400", "[::1]:7400"] {
            assert_eq!(config(loopback, false).check(), Ok(()), "{loopback}");
        }
        for exposed in ["0.0.0.0:7400", "10.0.0.1:7400", "[::]:7400"] {
            let refusal = config(exposed, false).check().unwrap_err();
            assert!(refusal.contains("--insecure"), "{refusal}");
            assert_eq!(config(exposed, true).check(), Ok(()), "{exposed}");
        }
    }
}
