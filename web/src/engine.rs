//! What a worker holds, and the questions that the page may ask it.

use burn::prelude::Device;
use sapwood_core::Anatomy;
use serde::{Deserialize, Serialize};
use serde_json::{Value, to_value};

use crate::{
    CriterionChoice, Elastic, Error, Picture, Progress, PruneRequest, Session, Settings, Which, ink, menu,
};

/// A question, as JSON: `{"ask": "train", "which": "dense", "steps": 8}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// What there is to choose from.
    Menu,
    /// A new session in the place of the old one.
    Begin(Settings),
    /// What the session is about, and how far it has come: after it was restored.
    Session,
    /// A few steps of training.
    Train {
        /// Of which network.
        which: Which,
        /// How many, at most.
        steps: usize,
    },
    /// How good a network is.
    Evaluate {
        /// Which.
        which: Which,
    },
    /// How many bytes a network takes, plain and packed, and how good it is when it is read from these.
    Pack {
        /// Which.
        which: Which,
    },
    /// Scores, masks, and a pruned network.
    Prune(PruneRequest),
    /// What strokes of a pen look like to a network, and what the networks say to it.
    Draw {
        /// Each is a list of points.
        strokes: Vec<Vec<ink::Point>>,
    },
    /// What the networks say to stored values: an image or a board.
    Answer {
        /// The values.
        image: Vec<u8>,
    },
    /// What comes of a board by the rule, and what the networks say comes of it.
    Board {
        /// Its cells, 0 or 1.
        board: Vec<u8>,
    },
    /// One of the test examples.
    TestExample {
        /// Which, counted from 0; beyond the end it begins again.
        number: usize,
    },
    /// A new once-for-all network in the place of the old one.
    BeginElastic {
        /// Its family.
        family: String,
        /// How often all examples are seen.
        epochs: usize,
        /// Its seed.
        seed: u64,
    },
    /// What the once-for-all network is, and how far it has come.
    Elastic,
    /// A few steps of its training.
    TrainElastic {
        /// How many, at most.
        steps: usize,
    },
    /// How good one of its sub-networks is.
    EvaluateElastic {
        /// Which notch of the slider.
        notch: usize,
    },
    /// What one of its sub-networks says to an image.
    AnswerElastic {
        /// Which notch of the slider.
        notch: usize,
        /// The stored values.
        image: Vec<u8>,
    },
}

/// A file that can be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum File {
    /// The dense network.
    Dense,
    /// The pruned one, with its masks.
    Pruned,
    /// The pruned one in few bytes.
    Packed,
    /// The once-for-all network.
    Elastic,
}

/// What can be written down whole and gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// The session.
    Session,
    /// The once-for-all network.
    Elastic,
}

/// A device, a session on it and a once-for-all network.
#[derive(Clone, Debug)]
pub struct Engine {
    device: Device,
    session: Option<Session>,
    elastic: Option<Elastic>,
}

impl Engine {
    /// One that holds nothing yet.
    pub fn new(device: Device) -> Self {
        Self { device, session: None, elastic: None }
    }

    /// Answers a question, JSON to JSON.
    ///
    /// # Errors
    /// A question that is not written as it should be, and all that can go wrong in answering.
    pub async fn ask(&mut self, request: &str) -> Result<String, Error> {
        let request: Request = serde_json::from_str(request)?;
        Ok(self.answer(request).await?.to_string())
    }

    async fn answer(&mut self, request: Request) -> Result<Value, Error> {
        Ok(match request {
            Request::Menu => to_value(menu())?,
            Request::Begin(settings) => {
                self.session = Some(Session::new(settings, &self.device)?);
                about(self.session()?)?
            }
            Request::Session => about(self.session()?)?,
            Request::Train { which, steps } => to_value(self.session_mut()?.train(which, steps).await?)?,
            Request::Evaluate { which } => to_value(self.session()?.evaluate(which).await?)?,
            Request::Pack { which } => to_value(self.session()?.packed(which).await?)?,
            Request::Prune(request) => to_value(self.session_mut()?.prune(&request).await?)?,
            Request::Draw { strokes } => {
                let image = ink::image(&strokes).to_vec();
                let answers = self.session()?.answers(&image).await?;
                serde_json::json!({ "image": image, "answers": answers })
            }
            Request::Answer { image } => to_value(self.session()?.answers(&image).await?)?,
            Request::Board { board } => {
                let (next, answers) = (self.session()?.next(&board)?, self.session()?.answers(&board).await?);
                serde_json::json!({ "next": next, "answers": answers })
            }
            Request::TestExample { number } => {
                let session = self.session()?;
                let (image, label) = session.test_example(number % session.test_examples())?;
                serde_json::json!({ "image": image, "label": label })
            }
            Request::BeginElastic { family, epochs, seed } => {
                self.elastic = Some(Elastic::new(&family, epochs, seed, &self.device)?);
                about_elastic(self.elastic()?)?
            }
            Request::Elastic => about_elastic(self.elastic()?)?,
            Request::TrainElastic { steps } => to_value(
                self.elastic.as_mut().ok_or(Error::NothingYet("elastic network"))?.train(steps).await?,
            )?,
            Request::EvaluateElastic { notch } => to_value(self.elastic()?.evaluate(notch).await?)?,
            Request::AnswerElastic { notch, image } => {
                to_value(self.elastic()?.answer(notch, &image).await?)?
            }
        })
    }

    /// A network's weights as pictures.
    ///
    /// # Errors
    /// If there is no such network.
    pub async fn pictures(&self, which: Which) -> Result<Vec<Picture>, Error> {
        self.session()?.pictures(which).await
    }

    /// A file to be saved.
    ///
    /// # Errors
    /// If there is no such network.
    pub async fn file(&self, file: File) -> Result<Vec<u8>, Error> {
        match file {
            File::Dense => self.session()?.file(Which::Dense).await,
            File::Pruned => self.session()?.file(Which::Pruned).await,
            File::Packed => self.session()?.packed_file(Which::Pruned).await,
            File::Elastic => self.elastic()?.file().await,
        }
    }

    /// Opens a file of a once-for-all network in the place of the old one.
    ///
    /// # Errors
    /// Another file.
    pub fn open(&mut self, bytes: &[u8], name: &str) -> Result<(), Error> {
        self.elastic = Some(Elastic::open(bytes, name, &self.device)?);
        Ok(())
    }

    /// All that is needed to go on elsewhere.
    ///
    /// # Errors
    /// If there is nothing, and of reading from the device.
    pub async fn keep(&self, what: Kept) -> Result<Vec<u8>, Error> {
        match what {
            Kept::Session => self.session()?.keep().await,
            Kept::Elastic => self.elastic()?.keep().await,
        }
    }

    /// Goes on from what another engine has kept.
    ///
    /// # Errors
    /// Other bytes.
    pub fn restore(&mut self, what: Kept, bytes: &[u8]) -> Result<(), Error> {
        match what {
            Kept::Session => self.session = Some(Session::restore(bytes, &self.device)?),
            Kept::Elastic => self.elastic = Some(Elastic::restore(bytes, &self.device)?),
        }
        Ok(())
    }

    fn session(&self) -> Result<&Session, Error> {
        self.session.as_ref().ok_or(Error::NothingYet("session"))
    }

    fn session_mut(&mut self) -> Result<&mut Session, Error> {
        self.session.as_mut().ok_or(Error::NothingYet("session"))
    }

    fn elastic(&self) -> Result<&Elastic, Error> {
        self.elastic.as_ref().ok_or(Error::NothingYet("elastic network"))
    }
}

/// What a session is about.
#[derive(Serialize)]
struct About<'a> {
    settings: &'a Settings,
    anatomy: Anatomy,
    params: u64,
    macs: u64,
    criteria: Vec<CriterionChoice>,
    test_examples: usize,
    dense: Progress,
    pruned: Option<Progress>,
}

fn about(session: &Session) -> Result<Value, Error> {
    let anatomy = session.anatomy()?;
    let about = About {
        settings: session.settings(),
        params: anatomy.params(),
        macs: anatomy.macs(),
        anatomy,
        criteria: session.criteria(),
        test_examples: session.test_examples(),
        dense: session.progress(Which::Dense)?,
        pruned: session.progress(Which::Pruned).ok(),
    };
    Ok(to_value(about)?)
}

fn about_elastic(elastic: &Elastic) -> Result<Value, Error> {
    let sizes: Vec<_> = elastic.sizes().collect();
    Ok(serde_json::json!({ "family": elastic.family(), "sizes": sizes, "progress": elastic.progress() }))
}
