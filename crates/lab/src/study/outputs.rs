//! Which outputs of a network that keeps them stand for which classes of a study's data.

use std::sync::Arc;

use sapwood_core::{Batch, Shape, Target};
use sapwood_data::{Dataset, Labels, Normalisation, Task};

use super::{RunSpec, Transferred, pretrained::Head};
use crate::{Classes, Error, fits};

/// The weights that a run begins with, where they keep their outputs.
pub(super) fn kept<'a>(transferred: &'a [Transferred], spec: &RunSpec) -> Option<&'a Transferred> {
    let meant = spec.transfer.as_ref().filter(|meant| meant.head == Head::Keep)?;
    transferred.iter().find(|known| known.weights == *meant)
}

/// Which output of a run's network stands for which class of its data. A last layer that was drawn has them in their
/// order.
pub(super) fn classes(transferred: &[Transferred], spec: &RunSpec, data: &Dataset) -> Result<Classes, Error> {
    match kept(transferred, spec) {
        None => Ok(Classes::InOrder),
        Some(known) => fits(&spec.model, known.known(), data),
    }
}

/// Refuses outputs that do not stand for the classes of a data set, of which no more need be there than this.
pub(super) fn check(known: &Transferred, data: &str, shape: Shape, classes: &[String]) -> Result<(), Error> {
    let found = fits(&known.model, known.known(), &stand_in(data, shape, classes, vec![0])?);
    found.map(drop).map_err(|error| match error {
        Error::OtherClasses { .. } | Error::MoreOutputs { .. } => {
            let hint = "with `head = \"new\"` the weights get a last layer for these classes";
            Error::setting("transfer.head", format!("{error}; {hint}"))
        }
        error => Error::setting("transfer.head", error.to_string()),
    })
}

/// Examples with the labels that the network's outputs have, in the place of those of their data set.
pub(super) fn labelled(batches: Vec<Batch>, classes: &Classes, data: &Dataset) -> Result<Vec<Batch>, Error> {
    if *classes == Classes::InOrder {
        return Ok(batches);
    }
    let names = data.named_classes();
    let each = stand_in(data.name(), [1, 1, 1], &names, (0..names.len() as u32).collect())?;
    let each = classes.of(Arc::new(each))?;
    let Labels::Class(outputs) = each.labels() else { return Ok(batches) };
    let labelled = |batch: Batch| match batch.target() {
        Target::Class(own) => {
            let target = own.iter().filter_map(|class| outputs.get(*class as usize).copied()).collect();
            Ok::<_, Error>(Batch::of_inputs(batch.inputs().to_vec(), Target::Class(target))?)
        }
        _ => Ok(batch),
    };
    batches.into_iter().map(labelled).collect()
}

/// A data set of these classes whose examples are zeros with these labels.
fn stand_in(name: &str, shape: Shape, classes: &[String], labels: Vec<u32>) -> Result<Dataset, Error> {
    let [channels, height, width] = shape;
    let constants = Normalisation { scale: 1.0, channels: vec![(0.0, 1.0); channels].into() };
    let zeros = vec![0; labels.len() * channels * height * width];
    let task = Task::Classes(classes.len());
    let unnamed = Dataset::new(name, shape, task, constants, zeros, Labels::Class(labels))?;
    let to: Vec<u32> = (0..classes.len() as u32).collect();
    Ok(unnamed.relabelled(&to, classes.iter().cloned())?)
}

#[cfg(test)]
mod tests {
    use sapwood_core::Masks;
    use sapwood_models::Spec;

    use super::*;
    use crate::study::Pretrained;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    /// A network for images of 2x2 whose file calls its outputs so.
    fn known(outputs: &[&str]) -> Transferred {
        let model = Spec::named("lenet-300-100").unwrap().fit([1, 2, 2], outputs.len());
        let data = stand_in("own", [1, 2, 2], &names(outputs), vec![0]).unwrap();
        let weights = Pretrained { weights: "net.safetensors".into(), digest: None, head: Head::Keep };
        Transferred { weights, model, trained_on: Some(data.trained_on()), masks: Masks::new() }
    }

    #[test]
    fn outputs_of_other_classes_are_refused_with_what_would_help() {
        let refused = |outputs: &[&str], classes: &[&str]| {
            check(&known(outputs), "own", [1, 2, 2], &names(classes)).unwrap_err().to_string()
        };
        check(&known(&["ant", "bee", "cat"]), "own", [1, 2, 2], &names(&["cat", "ant"])).unwrap();
        let said = refused(&["ant", "bee", "cat"], &["ant", "dog"]);
        assert!(
            said.contains("does not know `dog`") && said.ends_with("a last layer for these classes"),
            "{said}"
        );
        let said = refused(&["ant", "bee"], &["ant", "bee", "cat"]);
        assert!(said.contains("gives 2 outputs"), "{said}");
    }

    #[test]
    fn examples_have_the_labels_of_the_outputs() {
        let classes = names(&["cat", "ant"]);
        let data = stand_in("own", [1, 2, 2], &classes, vec![0, 1, 1]).unwrap();
        let batch = data.batch(&[0, 1, 2]).unwrap();
        let net = known(&["ant", "bee", "cat"]);
        let found = fits(&net.model, net.known(), &data).unwrap();
        let batches = labelled(vec![batch.clone()], &found, &data).unwrap();
        assert_eq!(batches[0].target(), &Target::Class(vec![2, 0, 0]));
        assert_eq!(batches[0].inputs(), batch.inputs());
        assert_eq!(labelled(vec![batch.clone()], &Classes::InOrder, &data).unwrap(), [batch]);
    }
}
