//! Does a running service answer? By a command, a connection, or an HTTP status.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use url::Url;

use crate::domain::ProbeSpec;

/// `Err` says why the answer is no.
pub async fn ask(spec: &ProbeSpec, env: &BTreeMap<String, String>, working_dir: Option<&str>) -> Result<(), String> {
    let asking = async {
        match (&spec.exec, &spec.tcp, &spec.http) {
            (Some(command), _, _) => exec(command, env, working_dir).await,
            (_, Some(address), _) => tcp(address).await.map(drop),
            (_, _, Some(url)) => http(url).await,
            (None, None, None) => Err("the probe asks nothing".to_owned()),
        }
    };
    let timeout: Duration = spec.timeout.get();
    tokio::time::timeout(timeout, asking).await.unwrap_or_else(|_| Err(format!("no answer within {}", spec.timeout)))
}

/// Kills what is left of a probe's process group when it is dropped, so that a probe never outlives its timeout.
struct ProcessGroup(i32);

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        use nix::sys::signal::{Signal, killpg};
        let _ = killpg(nix::unistd::Pid::from_raw(self.0), Signal::SIGKILL);
    }
}

async fn exec(command: &[String], env: &BTreeMap<String, String>, working_dir: Option<&str>) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("its command is empty")?;
    let mut probe = Command::new(program);
    probe.args(arguments).env_clear().envs(env).process_group(0).kill_on_drop(true);
    probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(dir) = working_dir {
        probe.current_dir(dir);
    }
    let mut child = probe.spawn().map_err(|e| format!("{program} can't be run: {e}"))?;
    let _group = child.id().and_then(|id| i32::try_from(id).ok()).map(ProcessGroup);
    let status = child.wait().await.map_err(|e| format!("{program} was lost: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}")) }
}

async fn tcp(address: &str) -> Result<TcpStream, String> {
    TcpStream::connect(address).await.map_err(|e| format!("{address} can't be connected to: {e}"))
}

async fn http(address: &str) -> Result<(), String> {
    let url = Url::parse(address).map_err(|e| format!("{address} is not an address: {e}"))?;
    let host = url.host_str().ok_or_else(|| format!("{address} names no host"))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = tcp(&format!("{host}:{port}")).await?;
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: locum-agent\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|e| format!("{address} hung up: {e}"))?;
    let mut head = Vec::new();
    // "HTTP/1.1 200" is all that matters.
    stream.take(12).read_to_end(&mut head).await.map_err(|e| format!("{address} hung up: {e}"))?;
    let head = String::from_utf8_lossy(&head);
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse::<u16>().ok());
    match status {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("{address} answered {status}")),
        None => Err(format!("{address} does not speak HTTP")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;

    async fn answer(value: serde_json::Value) -> Result<(), String> {
        let env = std::env::vars().collect();
        ask(&serde_json::from_value(value).unwrap(), &env, Some("/")).await
    }

    #[tokio::test]
    async fn probes_say_yes_or_why_not() {
        assert_eq!(answer(json!({ "exec": ["true"] })).await, Ok(()));
        assert!(answer(json!({ "exec": ["false"] })).await.unwrap_err().contains("exit status: 1"));
        let late = answer(json!({ "exec": ["sleep", "60"], "timeout": "50ms" })).await.unwrap_err();
        assert_eq!(late, "no answer within 50ms");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for status in ["", "204 No Content", "503 Busy", "garbage"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await;
                let _ = stream.read(&mut [0; 1024]).await;
            }
        });
        assert_eq!(answer(json!({ "tcp": address.to_string() })).await, Ok(()));
        let url = format!("http://{address}/health?x=1");
        assert_eq!(answer(json!({ "http": url })).await, Ok(()));
        assert!(answer(json!({ "http": url })).await.unwrap_err().ends_with("answered 503"));
        assert!(answer(json!({ "http": url })).await.unwrap_err().ends_with("does not speak HTTP"));
    }
}
