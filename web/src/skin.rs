//! The engine as JavaScript sees it. Requests and replies are JSON; what is large is bytes.

use sapwood_backend::DeviceSpec;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

use crate::{Engine, Error};

/// Called once when the module is loaded: a panic then says on the console what it was.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// [`Engine`](crate::Engine) in a worker.
#[wasm_bindgen]
pub struct Worker(Engine);

/// Pictures of all layers: what they are as JSON, and their cells one after the other.
#[wasm_bindgen(getter_with_clone)]
pub struct Pictures {
    /// `[{"layer": .., "rows": .., "columns": .., "kept": ..}, ..]`
    pub layers: String,
    /// The bytes of the first layer, then of the second, ..
    pub cells: Vec<u8>,
}

#[wasm_bindgen]
impl Worker {
    /// An engine on `cpu` or `webgpu`.
    pub async fn open(device: String) -> Result<Worker, JsError> {
        let device: DeviceSpec = device.parse()?;
        Ok(Self(Engine::new(device.resolve_async().await?)))
    }

    /// Answers a question.
    pub async fn ask(&mut self, request: String) -> Result<String, JsError> {
        Ok(self.0.ask(&request).await?)
    }

    /// The weights of `dense` or `pruned` as pictures.
    pub async fn pictures(&self, which: String) -> Result<Pictures, JsError> {
        let pictures = self.0.pictures(word(which)?).await?;
        let layers = serde_json::to_string(&pictures)?;
        Ok(Pictures { layers, cells: pictures.into_iter().flat_map(|picture| picture.cells).collect() })
    }

    /// The file of `dense`, `pruned`, `packed` or `elastic`.
    pub async fn file(&self, file: String) -> Result<Vec<u8>, JsError> {
        Ok(self.0.file(word(file)?).await?)
    }

    /// Opens a once-for-all network's file.
    pub fn open_file(&mut self, bytes: Vec<u8>, name: String) -> Result<(), JsError> {
        Ok(self.0.open(&bytes, &name)?)
    }

    /// All that is needed to go on with `session` or `elastic` elsewhere.
    pub async fn keep(&self, what: String) -> Result<Vec<u8>, JsError> {
        Ok(self.0.keep(word(what)?).await?)
    }

    /// Goes on from there.
    pub fn restore(&mut self, what: String, bytes: Vec<u8>) -> Result<(), JsError> {
        Ok(self.0.restore(word(what)?, &bytes)?)
    }
}

/// A variant by its name.
fn word<T: DeserializeOwned>(name: String) -> Result<T, Error> {
    Ok(serde_json::from_value(Value::String(name))?)
}
