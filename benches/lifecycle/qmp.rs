//! A client of QEMU's machine protocol: a JSON object a line, answers in the order of the commands, and events between them.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::process::PATIENCE;

/// A connection.
#[derive(Debug)]
pub(crate) struct Qmp {
    reader: BufReader<UnixStream>,
    events: VecDeque<Value>,
}

impl Qmp {
    /// Greets a QEMU that has answered.
    ///
    /// # Errors
    /// It speaks something else, or breaks off.
    pub(crate) fn greet(stream: UnixStream) -> Result<Self> {
        stream
            .set_read_timeout(Some(PATIENCE))
            .context("setting up the connection to QEMU")?;
        let mut client = Self {
            reader: BufReader::new(stream),
            events: VecDeque::new(),
        };
        let greeting = client.read()?;
        ensure!(
            greeting.get("QMP").is_some(),
            "QEMU greets with `{greeting}`"
        );
        client.execute("qmp_capabilities", json!({}))?;
        Ok(client)
    }

    /// Carries out a command; gives what it returns.
    ///
    /// # Errors
    /// QEMU refuses, with its words, or breaks off.
    pub(crate) fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let mut request = json!({ "execute": command, "arguments": arguments }).to_string();
        request.push('\n');
        self.reader
            .get_mut()
            .write_all(request.as_bytes())
            .with_context(|| format!("asking QEMU for {command}"))?;
        loop {
            let mut message = self.read()?;
            if let Some(value) = message.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = message.get("error") {
                let words = error.get("desc").and_then(Value::as_str);
                bail!("QEMU refuses {command}: {}", words.unwrap_or_default());
            }
            self.events.push_back(message);
        }
    }

    /// Waits for an event in which `find` finds something, and which says `what`; those before it are forgotten.
    ///
    /// # Errors
    /// It does not come in time, or QEMU breaks off.
    pub(crate) fn event<T>(
        &mut self,
        what: &str,
        find: impl Fn(&str, &Value) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = match self.events.pop_front() {
                Some(message) => message,
                None => self
                    .read()
                    .with_context(|| format!("waiting for QEMU to say that {what}"))?,
            };
            let name = message.get("event").and_then(Value::as_str);
            let found = name.and_then(|name| find(name, &message["data"]));
            if let Some(found) = found {
                return Ok(found);
            }
            ensure!(
                Instant::now() < deadline,
                "QEMU did not say within {} s that {what}",
                PATIENCE.as_secs()
            );
        }
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        let length = self
            .reader
            .read_line(&mut line)
            .context("listening to QEMU")?;
        ensure!(length > 0, "QEMU closed the connection");
        serde_json::from_str(&line).with_context(|| format!("QEMU said `{}`", line.trim()))
    }
}
