//! What looks for its weights in a file.

use std::collections::{BTreeMap, BTreeSet};

use sapwood_core::{ParamInfo, ParamPath};

use crate::{Error, Spec, infer::infer_shapes, params::params, zoo::unlike};

/// The shapes of tensors, under the network's names.
pub type Shapes = BTreeMap<ParamPath, Vec<usize>>;

/// A network that looks for its weights in a file.
pub trait Wants {
    /// Names that its parameters and buffers may have: by them it is told where in a file they lie.
    fn names(&self) -> BTreeSet<ParamPath>;

    /// Its parameters and buffers, of which the sizes may be read off these shapes.
    ///
    /// # Errors
    /// No such network has such shapes.
    fn params(&self, shapes: &Shapes) -> Result<Vec<ParamInfo>, Error>;

    /// Whether a tensor that a file calls so is none of its parameters and may be there all the same.
    fn passes(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// How a vision transformer of these shapes differs from this network, if that is one too: clauses that each say
    /// what was expected and what was found.
    fn unlike(&self, shapes: &Shapes) -> Option<Vec<String>> {
        let _ = shapes;
        None
    }

    /// The network's name of what a file calls otherwise.
    fn ours(&self, name: &str) -> String {
        name.into()
    }
}

/// A network of which everything is known.
pub(crate) struct Known(Vec<ParamInfo>);

impl Known {
    pub(crate) fn new(spec: &Spec) -> Result<Self, Error> {
        Ok(Self::of(params(&spec.graph()?)))
    }

    /// One with these parameters.
    pub(crate) fn of(params: Vec<ParamInfo>) -> Self {
        Self(params)
    }
}

impl Wants for Known {
    fn names(&self) -> BTreeSet<ParamPath> {
        self.0.iter().map(|info| info.path.clone()).collect()
    }

    fn params(&self, _: &Shapes) -> Result<Vec<ParamInfo>, Error> {
        Ok(self.0.clone())
    }
}

/// A network of the zoo whose options are read off the shapes.
pub(crate) struct ByName<'a>(pub(crate) &'a str);

impl ByName<'_> {
    pub(crate) fn spec(&self, shapes: &Shapes) -> Result<Spec, Error> {
        infer_shapes(shapes, self.0)
    }
}

impl Wants for ByName<'_> {
    /// With all layers that any of its options may bring.
    fn names(&self) -> BTreeSet<ParamPath> {
        // More steps of the Game of Life than anybody has trained.
        const STEPS: usize = 64;
        let graph = Spec::named(self.0).and_then(|spec| {
            let steps = if spec.model == "life-net" { STEPS } else { spec.steps };
            Spec { steps, ..spec }.graph()
        });
        graph.map_or_else(
            |_| BTreeSet::new(),
            |graph| params(&graph).into_iter().map(|info| info.path).collect(),
        )
    }

    fn params(&self, shapes: &Shapes) -> Result<Vec<ParamInfo>, Error> {
        // Shapes of another network may ask for one that cannot be: then it is the usual one that
        // they differ from.
        let graph = self.spec(shapes).and_then(|spec| spec.graph());
        Ok(params(&graph.or_else(|_| Spec::named(self.0)?.graph())?))
    }

    fn unlike(&self, shapes: &Shapes) -> Option<Vec<String>> {
        let ours = || {
            let graph = Spec::named(self.0).and_then(|spec| spec.graph()).ok()?;
            Some(params(&graph).into_iter().map(|info| (info.path, info.shape)).collect())
        };
        unlike(shapes, ours)
    }
}
