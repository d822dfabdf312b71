//! Where do logs and metrics go?

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// What is logged: a level (`info`, the default) or directives like `locum=debug,warn`.
pub const LOG_VARIABLE: &str = "LOCUM_LOG";

/// Sends the program's log to standard error. A second call changes nothing.
pub fn init_logs() -> anyhow::Result<()> {
    let wanted = std::env::var(LOG_VARIABLE).unwrap_or_else(|_| "info".to_owned());
    let filter = EnvFilter::try_new(&wanted)
        .with_context(|| format!("{LOG_VARIABLE}={wanted:?} is no log filter; write a level, like info or debug"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Fails only where a log is set up already, which then is used.
    let _ = lines.try_init();
    Ok(())
}

/// Renders this process's metrics. The recorder is installed with the first call.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let install = || {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder takes this process's metrics: /metrics shows none");
        }
        handle
    };
    HANDLE.get_or_init(install).clone()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_second_server_in_one_process_shares_the_recorder() {
        let (first, second) = (super::metrics(), super::metrics());
        metrics::counter!("locum_telemetry_test_total").increment(3);
        assert!(first.render().contains("locum_telemetry_test_total 3"));
        assert_eq!(first.render(), second.render());
    }
}
