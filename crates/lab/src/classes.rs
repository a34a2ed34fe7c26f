//! Which output of a network stands for which class of a data set.

use std::{fmt, sync::Arc};

use sapwood_core::graph::few;
use sapwood_data::{Dataset, Loader};
use sapwood_models::Spec;
use serde::Serialize;

use crate::{Error, fits::Known};

/// What a user allows where names do not say which output stands for which class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outputs {
    /// Outputs are taken for the classes in their order, whatever names the weights have for them:
    /// a network that is trained on something else.
    #[serde(rename = "new_classes", skip_serializing_if = "is_false")]
    pub new: bool,
    /// Where the weights have no names, the first outputs are taken for the classes and the rest
    /// for nothing. What comes of a run does not depend on whether this is allowed.
    #[serde(skip)]
    pub more: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Which output of a network stands for which class of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Classes {
    /// Each for the class of the same number.
    InOrder,
    /// The one that the weights call by the same name.
    ByName(ByName),
}

/// Classes that were found among those of a network. It reads as a note to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByName {
    data: String,
    /// The output for each class of the data set.
    to: Vec<u32>,
    /// The names of the outputs.
    names: Vec<String>,
}

impl fmt::Display for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (data, found, all) = (&self.data, self.to.len(), self.names.len());
        match found == all {
            true => write!(f, "data set `{data}` has the network's classes in another order")?,
            false => write!(f, "data set `{data}` has {found} of the {all} classes that the network knows")?,
        }
        f.write_str(": they are matched by name")
    }
}

impl Classes {
    /// Gives the outputs of a network to the classes of a data set, which has some.
    pub(crate) fn assign(spec: &Spec, known: Known<'_>, data: &Dataset) -> Result<Self, Error> {
        let Known { trained_on, outputs } = known;
        let (model, classes) = (&spec.model, data.named_classes());
        let names = trained_on.map_or(&[] as &[String], |trained| &trained.classes);
        if outputs.new && (names.is_empty() || names == classes) {
            let why = if names.is_empty() { "name no classes" } else { "have the names of its classes" };
            return Err(Error::NothingNew { why, data: data.name().into() });
        }
        if names.is_empty() || outputs.new {
            let [found, ..] = spec.output(data.shape())?;
            let (model, data) = (model.clone(), data.name().into());
            return match classes.len() == found || outputs.more {
                true => Ok(Self::InOrder),
                false => Err(Error::MoreOutputs {
                    model,
                    found,
                    data,
                    expected: classes.len(),
                    classes: few(&classes),
                }),
            };
        }
        if names == classes {
            return Ok(Self::InOrder);
        }
        let place = |class: &String| names.iter().position(|name| name == class);
        let unknown: Vec<String> = classes.iter().filter(|class| place(class).is_none()).cloned().collect();
        if !unknown.is_empty() {
            let (model, data) = (model.clone(), data.name().into());
            return Err(Error::OtherClasses { model, known: few(names), data, unknown: few(&unknown) });
        }
        let is_twice = |class: &&String| 1 < names.iter().filter(|name| name == class).count();
        if let Some(class) = classes.iter().find(is_twice) {
            let (model, class, data) = (model.clone(), class.clone(), data.name().into());
            return Err(Error::SameNames { model, class, data });
        }
        let to = classes.iter().filter_map(place).map(|output| output as u32).collect();
        Ok(Self::ByName(ByName { data: data.name().into(), to, names: names.to_vec() }))
    }

    /// What a user should be told, if anything.
    pub fn note(&self) -> Option<&ByName> {
        match self {
            Self::InOrder => None,
            Self::ByName(by_name) => Some(by_name),
        }
    }

    /// A data set with the labels that the network's outputs have.
    ///
    /// # Errors
    /// A data set with other classes than the one that these were made for.
    pub fn of(&self, data: Arc<Dataset>) -> Result<Arc<Dataset>, Error> {
        match self {
            Self::InOrder => Ok(data),
            Self::ByName(ByName { to, names, .. }) => Ok(Arc::new(data.relabelled(to, names)?)),
        }
    }

    /// The same for one that is cut into batches.
    ///
    /// # Errors
    /// As for [`Classes::of`].
    pub fn of_batches(&self, loader: Loader) -> Result<Loader, Error> {
        let data = self.of(Arc::clone(loader.dataset()))?;
        Ok(loader.over(data)?)
    }
}

#[cfg(test)]
mod tests {
    use sapwood_core::TrainedOn;
    use sapwood_data::{Labels, Normalisation, Task};

    use super::*;
    use crate::fits::fits;

    fn data(names: &[&str]) -> Dataset {
        let labels = (0..names.len() as u32).collect::<Vec<_>>();
        let (task, to) = (Task::Classes(names.len()), labels.clone());
        let images = vec![1; names.len()];
        let made =
            Dataset::new("own", [1, 1, 1], task, Normalisation::unit(255.0), images, Labels::Class(labels));
        made.unwrap().relabelled(&to, names.iter().copied()).unwrap()
    }

    /// A network whose file knows these names, with this number of outputs, meets a data set.
    fn meet(known: &[&str], outputs: usize, classes: &[&str], allowed: Outputs) -> Result<Classes, String> {
        let trained_on = TrainedOn {
            classes: known.iter().map(ToString::to_string).collect(),
            ..data(classes).trained_on()
        };
        let spec = Spec::named("lenet-300-100").unwrap().fit([1, 1, 1], outputs);
        fits(&spec, Known { trained_on: Some(&trained_on), outputs: allowed }, &data(classes))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn classes_are_found_by_their_names() {
        let by_name =
            |known: &[&str], classes: &[&str]| match meet(known, known.len(), classes, Outputs::default())
                .unwrap()
            {
                Classes::InOrder => None,
                found @ Classes::ByName(_) => {
                    let note = found.note().unwrap().to_string();
                    let data = found.of(Arc::new(data(classes))).unwrap();
                    let Labels::Class(labels) = data.labels().clone() else { panic!() };
                    assert_eq!(data.named_classes(), known);
                    Some((labels, note))
                }
            };
        assert_eq!(by_name(&["a", "b"], &["a", "b"]), None);
        let (labels, note) = by_name(&["a", "b", "c"], &["c", "a", "b"]).unwrap();
        assert!(labels == [2, 0, 1] && note.contains("in another order"), "{note}");
        let (labels, note) = by_name(&["a", "b", "c"], &["a", "b"]).unwrap();
        assert!(labels == [0, 1] && note.contains("2 of the 3 classes"), "{note}");
    }

    #[test]
    fn what_the_names_do_not_say_is_refused_unless_it_is_asked_for() {
        let plain = Outputs::default();
        let refused = |known: &[&str], outputs, classes: &[&str], allowed, expected: &str| {
            let error = meet(known, outputs, classes, allowed).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        refused(&["a", "b", "c"], 3, &["b", "c", "d"], plain, "does not know `d`");
        refused(&["a", "b"], 2, &["a", "b", "c"], plain, "gives 2 outputs");
        refused(
            &[],
            9,
            &["a", "b", "c"],
            plain,
            "has 9 outputs, but data set `own` has 3 classes (`a`, `b`, `c`)",
        );
        refused(&[], 2, &["a", "b", "c"], Outputs { more: true, ..plain }, "gives 2 outputs");
        refused(&["a", "b", "c"], 3, &["b"], plain, "one class only");
        refused(&["a", "b", "a"], 3, &["a", "b"], plain, "two outputs of `lenet-300-100` are called `a`");
        let new = Outputs { new: true, ..plain };
        refused(&["a", "b"], 2, &["a", "b"], new, "have the names of its classes");
        refused(&[], 2, &["a", "b"], new, "name no classes");
        refused(&["a", "b", "c"], 3, &["d", "e"], new, "has 3 outputs");

        let in_order = |known: &[&str], outputs, allowed| {
            assert_eq!(meet(known, outputs, &["d", "e", "f"], allowed), Ok(Classes::InOrder));
        };
        in_order(&[], 3, plain);
        in_order(&[], 9, Outputs { more: true, ..plain });
        in_order(&["a", "b", "c"], 3, new);
        in_order(&["d", "e", "f"], 9, plain);
        assert!(matches!(meet(&["a", "b", "c", "c"], 4, &["b", "a"], plain), Ok(Classes::ByName(_))));
        // Leave to have more does not make names mean less.
        refused(&["a", "b", "c"], 9, &["d", "e"], Outputs { more: true, ..plain }, "does not know `d`, `e`");
    }
}
