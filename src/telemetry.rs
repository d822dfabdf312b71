//! Where do logs and metrics go?

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Chooses what is logged, as `tracing` filters have it: `info`, `locum=debug`.
const LOG_VARIABLE: &str = "LOCUM_LOG";

/// Logs to standard error from now on. Does nothing the second time.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // A second call finds the first one's: that is as good.
    let _ = lines.try_init();
}

/// What renders the metrics of this process; made once.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another recorder has this process's metrics: /metrics shows none");
            }
            handle
        })
        .clone()
}
