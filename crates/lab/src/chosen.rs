//! Training examples that somebody chose, as a list in a file.

use std::path::{Path, PathBuf};

use sapwood_data::Dataset;
use serde::{Deserialize, Serialize};

use crate::{Error, digest};

/// A list of training examples to learn from, as a part of a data set's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The file: a [`List`] as JSON.
    pub list: PathBuf,
    /// BLAKE3 of the file, in hexadecimal: with it, a list that was changed is another one. See
    /// [`Datasets::identified`](crate::Datasets::identified).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Which examples of a data set's training split are kept, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The data set.
    pub data: String,
    /// The examples of its training split.
    pub examples: usize,
    /// How they were chosen.
    pub method: String,
    /// The numbers of those that are kept, from 0, growing.
    pub kept: Vec<usize>,
}

impl Chosen {
    /// The list that lies in the file, and the BLAKE3 of it.
    ///
    /// # Errors
    /// A file that cannot be read, or is no list; another one than `digest` says.
    pub(crate) fn read(&self) -> Result<(List, String), Error> {
        let bytes = std::fs::read(&self.list).map_err(Error::file("read", &self.list))?;
        let found = digest(&bytes);
        if self.digest.as_ref().is_some_and(|expected| *expected != found) {
            let problem = format!(
                "it is another one than `data.only.digest` names, or than a study was started with: {}",
                self.list.display()
            );
            return Err(Error::setting("data.only", problem));
        }
        let list: List = serde_json::from_slice(&bytes).map_err(|error| Error::Json {
            problem: format!("expected a list of examples, found another file: {error}"),
            path: self.list.clone(),
            error,
        })?;
        Ok((list, found))
    }

    /// The examples of a training split that are on the list.
    ///
    /// # Errors
    /// As for reading; a list of another data set.
    pub(crate) fn of(&self, dataset: &Dataset) -> Result<Dataset, Error> {
        let (list, _) = self.read()?;
        list.check(dataset, &self.list)?;
        Ok(dataset.subset(&list.kept)?)
    }
}

impl List {
    fn check(&self, dataset: &Dataset, path: &Path) -> Result<(), Error> {
        let refuse =
            |problem: String| Err(Error::setting("data.only", format!("{problem}: {}", path.display())));
        let (name, examples) = (dataset.name(), dataset.len());
        if (self.data.as_str(), self.examples) != (name, examples) {
            return refuse(format!(
                "expected a list of the {examples} training examples of `{name}`, found one of {} of `{}`",
                self.examples, self.data
            ));
        }
        match self.kept.is_sorted_by(|a, b| a < b) {
            true => Ok(()),
            false => refuse("expected numbers that grow, each once".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataConfig, Datasets};

    #[test]
    fn a_list_is_what_is_learnt_from_and_one_of_other_data_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("list.json");
        let write = |list: &List| std::fs::write(&path, serde_json::to_string(list).unwrap()).unwrap();
        let only = Some(Chosen { list: path.clone(), digest: None });
        let data = DataConfig { only, ..DataConfig::named("digits") };
        let datasets = || Datasets::below("data");
        let open = |data: &DataConfig| datasets().open(data, sapwood_data::Split::Train);
        let list = List { data: "digits".into(), examples: 1437, method: "random".into(), kept: vec![3, 8] };
        write(&list);
        let identified = datasets().identified(data.clone()).unwrap();
        let all = open(&DataConfig::named("digits")).unwrap();
        let found = open(&identified).unwrap();
        assert_eq!((found.len(), found.image(1)), (2, all.image(8)));

        write(&List { kept: vec![3, 9], ..list.clone() });
        assert!(datasets().identified(identified).unwrap_err().to_string().contains("another one"));
        for (wrong, expected) in [
            (
                List { examples: 9, ..list.clone() },
                "list of the 1437 training examples of `digits`, found one of 9",
            ),
            (List { kept: vec![8, 3], ..list.clone() }, "numbers that grow"),
            (List { kept: vec![9999], ..list }, "no example 9999"),
        ] {
            write(&wrong);
            let said = open(&data).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
        std::fs::write(&path, "[1]").unwrap();
        assert!(open(&data).unwrap_err().to_string().contains("expected a list of examples"));
    }
}
