//! The names of the PyPI package `ofa`.

use sapwood_core::ParamPath;

use crate::Family;

/// What the reference puts around an elastic layer, and what we have in its place.
const WRAPPED: [[&str; 2]; 3] = [[".conv.conv", ".conv"], [".bn.bn", ".bn"], [".linear.linear", ".linear"]];

/// Our name of a parameter: that of the package's static networks. Its elastic layers are
/// wrapped once more. Names without such a wrapping are ours already.
pub(crate) fn ours(path: &ParamPath) -> ParamPath {
    let Some((layer, name)) = path.as_str().rsplit_once('.') else { return path.clone() };
    // The matrices belong to the wrapping, not to what it holds; and the second layer of
    // ResNet-50D's stem has a `conv` of its own around its static layer.
    let static_stem = layer == "input_stem.1.conv.conv";
    if name.ends_with("_matrix") || static_stem {
        return path.clone();
    }
    for [wrapped, plain] in WRAPPED {
        if let Some(stem) = layer.strip_suffix(wrapped) {
            return format!("{stem}{plain}.{name}").into();
        }
    }
    path.clone()
}

impl Family {
    /// The name that the package's supernets give to one of our parameters.
    pub fn reference_name(&self, path: &ParamPath) -> ParamPath {
        let Some((layer, name)) = path.as_str().rsplit_once('.') else { return path.clone() };
        let elastic = match self.name().contains("resnet") {
            true => true,
            // The stem, the first block and the head are the same in all networks.
            false => {
                layer.starts_with("blocks.") && !layer.starts_with("blocks.0.") && !layer.contains(".se.")
            }
        };
        if !elastic || name.ends_with("_matrix") {
            return path.clone();
        }
        for [wrapped, plain] in WRAPPED {
            if let Some(stem) = layer.strip_suffix(plain) {
                return format!("{stem}{wrapped}.{name}").into();
            }
        }
        path.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family;

    #[test]
    fn names_go_there_and_back() {
        for name in ["ofa-mbv3-w1.0", "ofa-proxyless-w1.3", "ofa-resnet50d"] {
            let family = family(name, None, None).unwrap();
            let device = sapwood_backend::DeviceSpec::CPU.resolve().unwrap();
            for info in sapwood_core::infos(&crate::Supernet::new(&family, &device)) {
                assert_eq!(ours(&family.reference_name(&info.path)), info.path, "{name}");
            }
        }
    }

    #[test]
    fn the_packages_names_are_known() {
        let family = family("ofa-mbv3-w1.0", None, None).unwrap();
        for (own, theirs) in [
            ("first_conv.conv.weight", "first_conv.conv.weight"),
            ("blocks.0.conv.depth_conv.bn.bias", "blocks.0.conv.depth_conv.bn.bias"),
            ("blocks.1.conv.depth_conv.conv.weight", "blocks.1.conv.depth_conv.conv.conv.weight"),
            ("blocks.1.conv.depth_conv.conv.7to5_matrix", "blocks.1.conv.depth_conv.conv.7to5_matrix"),
            ("blocks.1.conv.point_linear.bn.running_var", "blocks.1.conv.point_linear.bn.bn.running_var"),
            ("blocks.5.conv.depth_conv.se.fc.reduce.bias", "blocks.5.conv.depth_conv.se.fc.reduce.bias"),
            ("classifier.linear.weight", "classifier.linear.weight"),
        ] {
            assert_eq!(family.reference_name(&own.into()).as_str(), theirs);
            assert_eq!(ours(&theirs.into()).as_str(), own);
        }
    }
}
