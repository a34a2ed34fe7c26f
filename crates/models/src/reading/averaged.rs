//! What the keys of a training checkpoint say of what lies below them.

/// What training remembers beside weights.
const OPTIMISER: &[&str] = &[
    "optimizer",
    "optimizers",
    "optimiser",
    "optim",
    "opt",
    "momentum",
    "velocity",
    "adam",
    "adamw",
    "sgd",
    "grad",
    "grads",
    "gradient",
    "gradients",
    "scheduler",
    "schedulers",
    "scaler",
];

/// Means of the weights over training.
const AVERAGED: &[&str] = &["ema", "swa", "averaged", "average", "avg", "mean", "shadow", "polyak"];

/// What may stand beside these words in a key that says no more than they do.
const FILLING: &[&str] =
    &["state", "states", "dict", "dicts", "buffer", "buffers", "exp", "avg", "sq", "max", "lr", "step"];

/// What may stand beside the words of means.
const NETWORKS: &[&str] =
    &["model", "module", "net", "network", "weight", "weights", "param", "params", "parameters"];

/// What `torch.optim.swa_utils.AveragedModel` has beside the network.
pub(crate) const COUNTER: &str = "n_averaged";

/// Whether an optimiser's memory lies there: a part of the key says so and nothing else
/// (`optimizer_state_dict`, and not `optimizer_net`). It is never a network, whatever its names.
pub(crate) fn is_optimiser(key: &str) -> bool {
    key.split('.').any(|part| {
        let words = words(part);
        let says = words.iter().any(|word| OPTIMISER.contains(&word.as_str()))
            || words.windows(2).any(|two| two == ["exp", "avg"]);
        says && words.iter().all(|word| {
            word.len() == 1 || OPTIMISER.contains(&word.as_str()) || FILLING.contains(&word.as_str())
        })
    })
}

/// Whether a key says that means lie there and nothing else: `model_ema`, and not `avg_layer`.
pub(crate) fn is_averaged_alone(key: &str) -> bool {
    let known = [AVERAGED, FILLING, NETWORKS].concat();
    is_averaged(key) && words(key).iter().all(|word| word.len() == 1 || known.contains(&word.as_str()))
}

/// Whether a key says that means lie there, and cannot be a layer's name: `ema` and `model_avg`, and not `mean`.
pub(crate) fn is_unmistakably_averaged(key: &str) -> bool {
    let may_be_layers = ["mean", "average", "avg"];
    is_averaged_alone(key) && words(key).iter().any(|word| !may_be_layers.contains(&word.as_str()))
}

/// Whether masks lie there.
pub(crate) fn is_mask(key: &str) -> bool {
    words(key).iter().any(|word| word == "mask" || word == "masks")
}

/// Whether the state of a generator of random numbers lies there.
pub(crate) fn is_random(key: &str) -> bool {
    words(key).iter().any(|word| word == "rng")
}

/// Whether averaged weights lie there.
pub(crate) fn is_averaged(key: &str) -> bool {
    words(key).iter().any(|word| AVERAGED.contains(&word.as_str()))
}

/// `modelEMA` and `model_ema.0` are `model`, `ema`.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in key.chars() {
        let new = letter.is_uppercase() && before.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphabetic() && !new) {
            word.extend(letter.to_lowercase());
        } else if letter.is_alphabetic() {
            words.push(letter.to_lowercase().collect());
        } else {
            words.push(String::new());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_by_their_words() {
        for key in [
            "ema",
            "model_ema",
            "state_dict_ema",
            "ema_state_dict",
            "modelEMA",
            "EMA",
            "swa_model.module",
            "ema0",
        ] {
            assert!(is_averaged(key), "{key}");
        }
        for key in ["ema", "modelEMA", "avg_model", "averaged"] {
            assert!(is_unmistakably_averaged(key), "{key}");
        }
        for key in ["mean", "avg_pool", "average", "mean_head", "model"] {
            assert!(!is_unmistakably_averaged(key), "{key}");
        }
        for key in ["schema", "model", "cinema.net", "semantic", "state_dict", "remapped"] {
            assert!(!is_averaged(key), "{key}");
        }
        for key in ["optimizer.state.0", "optimizer_states.0", "optim", "momentum", "exp_avg", "gradScaler"] {
            assert!(is_optimiser(key), "{key}");
        }
        for key in ["options", "optical.flow", "network", "graduate"] {
            assert!(!is_optimiser(key), "{key}");
        }
    }
}
