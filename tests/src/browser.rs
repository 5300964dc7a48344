//! A Chromium without a window, driven over the DevTools protocol: what a page shows, what its scripts complain of, what
//! it tries to load, clicks, keys and pictures.
//!
//! The protocol runs over two pipes (`--remote-debugging-pipe`): one JSON document a message, a NUL behind each. So there
//! is no port to find and no connection that fails, and a library for it, with its sockets and its runtime, would be a
//! hundred crates for the five messages that are needed. The network is off.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::execution::{TIME_LIMIT, kill_group, plain_command};

/// What Chromium is called.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Pipes as the descriptors 3 and 4, where the browser expects them.
const WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;

/// A page in a browser. Dropped, the browser ends.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    count: u64,
    /// What the page's scripts complained of: exceptions, and what is written to the console.
    pub complaints: Vec<String>,
    /// Addresses that the page asked for, itself first.
    pub requests: Vec<String>,
    _profile: TempDir,
}

/// Where Chromium is.
///
/// # Errors
/// That there is none.
pub fn find() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places =
        std::env::split_paths(&path).flat_map(|folder| NAMES.iter().map(move |name| folder.join(name)));
    places.into_iter().find(|place| place.is_file()).ok_or_else(|| "no Chromium".to_owned())
}

impl Browser {
    /// Starts a browser with an empty page.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = plain_command("sh");
        command.args(["-c", WITH_PIPES]).arg(program).args([
            "--headless=new",
            "--remote-debugging-pipe",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-extensions",
            "--disable-background-networking",
            "--no-first-run",
            "--hide-scrollbars",
            // A test's user may be root, or have no user namespaces; the page is the test's own.
            "--no-sandbox",
        ]);
        let mut user_data = std::ffi::OsString::from("--user-data-dir=");
        user_data.push(profile.path());
        command.arg(user_data).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = start(&mut command);
        let commands = child.stdin.take().unwrap();
        let mut output = child.stdout.take().unwrap();
        let (sender, messages) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut waiting, mut piece) = (Vec::new(), vec![0; 1 << 16]);
            while let Ok(length @ 1..) = output.read(&mut piece) {
                waiting.extend_from_slice(&piece[..length]);
                while let Some(end) = waiting.iter().position(|byte| *byte == 0) {
                    let message = waiting.drain(..=end).collect::<Vec<u8>>();
                    let Ok(message) = serde_json::from_slice(&message[..end]) else { return };
                    if sender.send(message).is_err() {
                        return;
                    }
                }
            }
        });
        let (complaints, requests) = (Vec::new(), Vec::new());
        let mut browser = Self {
            child,
            commands,
            messages,
            session: None,
            count: 0,
            complaints,
            requests,
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached =
            browser.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        let offline = json!({"offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0});
        browser.call("Network.emulateNetworkConditions", offline);
        browser
    }

    /// Sends a message and waits for its answer.
    ///
    /// # Panics
    /// When the answer is an error, or does not come.
    #[track_caller]
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.count += 1;
        let mut message = json!({"id": self.count, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.commands.write_all(&bytes).unwrap();
        let until = Instant::now() + TIME_LIMIT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let message =
                self.messages.recv_timeout(left).unwrap_or_else(|_| panic!("no answer to {method}"));
            if message["id"] == json!(self.count) {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.hear(&message);
        }
    }

    /// Notes what happened meanwhile.
    fn hear(&mut self, message: &Value) {
        let event = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(event["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled") => self.complaints.push(event["args"].to_string()),
            Some("Log.entryAdded") => self.complaints.push(event["entry"]["text"].to_string()),
            Some("Network.requestWillBeSent") => {
                self.requests.push(event["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }

    /// Opens a file, in a window of this width and height.
    ///
    /// # Panics
    /// When it cannot be opened.
    #[track_caller]
    pub fn open(&mut self, file: &Path, width: u32, height: u32) {
        self.resize(width, height);
        let outcome = self.call("Page.navigate", json!({"url": file_address(file)}));
        assert!(outcome.get("errorText").is_none(), "{outcome}");
        self.wait_until("document.readyState === 'complete'");
    }

    /// Gives the window another size, in CSS pixels.
    ///
    /// # Panics
    /// When the browser does not answer.
    #[track_caller]
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Chooses `light` or `dark`.
    ///
    /// # Panics
    /// When the browser does not answer.
    #[track_caller]
    pub fn prefer(&mut self, scheme: &str) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// The value of an expression in the page.
    ///
    /// # Panics
    /// When it throws.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let how = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let outcome = self.call("Runtime.evaluate", how);
        assert!(outcome.get("exceptionDetails").is_none(), "{expression}: {outcome}");
        outcome["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    ///
    /// # Panics
    /// When it does not become true.
    #[track_caller]
    pub fn wait_until(&mut self, expression: &str) {
        let until = Instant::now() + TIME_LIMIT;
        while self.evaluate(expression) != json!(true) {
            assert!(Instant::now() < until, "never: {expression}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The texts of all elements that a selector finds.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn texts(&mut self, selector: &str) -> Vec<String> {
        let selector = json!(selector);
        let found = self.evaluate(&format!(
            "[...document.querySelectorAll({selector})].map((found) => found.innerText.trim())"
        ));
        found
            .as_array()
            .into_iter()
            .flatten()
            .map(|text| text.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The text of an element that is not shown.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn hidden_text(&mut self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({}).textContent", json!(selector)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Clicks into the middle of the first element that a selector finds, as a mouse does: what lies over it gets the click.
    ///
    /// # Panics
    /// When there is no such element to be seen.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let quoted = json!(selector);
        let place = self.evaluate(&format!(
            "(() => {{ const found = document.querySelector({quoted}); \
             found?.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             const box = found?.getBoundingClientRect(); \
             return box && box.width > 0 ? [box.x + box.width / 2, box.y + box.height / 2] : null; }})()"
        ));
        assert!(place.is_array(), "nothing to click: {selector}");
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event =
                json!({"type": kind, "x": place[0], "y": place[1], "button": button, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Presses a key, by its name in the DOM: `Enter`, `ArrowDown`.
    ///
    /// # Panics
    /// When the browser does not answer.
    #[track_caller]
    pub fn press(&mut self, key: &str) {
        let mut event =
            json!({"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code_of(key)});
        if key == "Enter" {
            event["text"] = json!("\r");
        }
        self.call("Input.dispatchKeyEvent", event);
        self.call("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key, "code": key}));
    }

    /// Types text into what has the focus.
    ///
    /// # Panics
    /// When the browser does not answer.
    #[track_caller]
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    /// A picture of the window, as PNG.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn picture(&mut self) -> Vec<u8> {
        let picture =
            self.call("Page.captureScreenshot", json!({"format": "png", "optimizeForSpeed": false}));
        STANDARD.decode(picture["data"].as_str().unwrap_or_default()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        kill_group(&self.child);
        let _ = self.child.wait();
    }
}

/// In a process group of its own: the browser is many processes.
fn start(command: &mut Command) -> Child {
    command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// `file:///a%20b`.
fn file_address(file: &Path) -> String {
    let file = file.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut address = String::from("file://");
    for byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => address.push(char::from(*byte)),
            letter if letter.is_ascii_alphanumeric() => address.push(char::from(*letter)),
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    address
}

/// The virtual key codes of the keys that tests press (UI Events, "Legacy key and code attributes").
fn code_of(key: &str) -> u32 {
    match key {
        "Backspace" => 8,
        "Tab" => 9,
        "Enter" => 13,
        "Escape" => 27,
        "ArrowLeft" => 37,
        "ArrowUp" => 38,
        "ArrowRight" => 39,
        "ArrowDown" => 40,
        other => u32::from(other.bytes().next().unwrap_or_default()),
    }
}
