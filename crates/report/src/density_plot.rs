//! How dense a network's layers are left: one row a layer, one mark a method.
//!
//! Marks on a logarithmic axis rather than bars: densities span three decades,
//! and a bar has no foot on a logarithmic axis. An emptied layer, the one that
//! matters most, has its own place at the left end.

use super::{
    Cell, Table,
    axis::Axis,
    line_plot::LETTER,
    number::percent,
    plot::Reference,
    scale::Scale,
    styles::Style,
    svg::{Anchor, Svg},
};

/// The density of every layer under every method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DensityPlot {
    /// The methods; a name keeps its colour over all plots of a page.
    pub series: Vec<DensitySeries>,
    /// The density of the whole network, as a fraction, if it is one for all.
    pub reference: Option<Reference>,
}

/// One method's densities.
#[derive(Clone, Debug, PartialEq)]
pub struct DensitySeries {
    /// Its name in the legend.
    pub name: String,
    /// The layers in the network's order, with the kept fraction in `[0, 1]`.
    pub layers: Vec<(String, f64)>,
}

const WIDTH: f64 = 640.0;
const TOP: f64 = 6.0;
/// Longer names of layers lose their beginning.
const NAME: usize = 22;

impl DensityPlot {
    /// The layers of all methods, in order of first appearance.
    fn layers(&self) -> Vec<&str> {
        let mut layers = Vec::new();
        for (layer, _) in self.series.iter().flat_map(|series| &series.layers) {
            if !layers.contains(&layer.as_str()) {
                layers.push(layer);
            }
        }
        layers
    }

    /// The numbers behind the picture, one row a layer.
    pub fn to_table(&self) -> Table {
        let names = self.series.iter().map(|series| series.name.as_str());
        let mut table = Table::new(["layer"].into_iter().chain(names));
        for layer in self.layers() {
            let kept = self.series.iter().map(|series| {
                let kept = series.layers.iter().find(|(name, _)| name == layer);
                kept.map_or_else(Cell::none, |(_, kept)| Cell::written(*kept, percent(*kept)))
            });
            table.row([Cell::from(layer)].into_iter().chain(kept));
        }
        table
    }

    /// The picture; it needs the page's style to be seen well.
    pub(super) fn svg(&self, styles: &[Style]) -> String {
        let layers = self.layers();
        let names: Vec<_> = layers.iter().map(|layer| shortened(layer)).collect();
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let label_width = longest as f64 * 0.97 * LETTER + 12.0;
        let kept = || self.series.iter().flat_map(|series| &series.layers).map(|(_, kept)| *kept);
        let any_empty = kept().any(|kept| kept <= 0.0);
        let empty = label_width + 16.0;
        let left = if any_empty { empty + 44.0 } else { label_width + 8.0 };
        // A full layer is always on the axis: that is what the eye compares with.
        let whole = self.reference.iter().map(|reference| reference.value).chain([1.0]);
        let axis = Axis::fit(Scale::Density, kept().chain(whole), 0.03, (left, WIDTH - 22.0));
        let at = |kept: f64| if kept <= 0.0 { Some(empty) } else { axis.at(kept) };

        let pitch = (5.0 * self.series.len() as f64 + 17.0).clamp(26.0, 56.0);
        let bottom = TOP + pitch * layers.len() as f64;
        let mut svg = Svg::new(WIDTH, bottom + 58.0, &format!("density of {}", layers.join(", ")));
        for (i, name) in names.iter().enumerate() {
            let middle = TOP + pitch * (i as f64 + 0.5);
            if i % 2 == 0 {
                let (top, bottom) = (middle - pitch / 2.0, middle + pitch / 2.0);
                let corners =
                    [(label_width, top), (WIDTH - 8.0, top), (WIDTH - 8.0, bottom), (label_width, bottom)];
                svg.path("polygon", "row", corners);
            }
            svg.text("tick layer", (label_width - 8.0, middle + 4.5), Anchor::End, name);
        }
        let mut ticks = axis.ticks(|label| label.chars().count() as f64 * LETTER + 8.0);
        svg.line("axis", (label_width, bottom), (WIDTH - 8.0, bottom));
        if any_empty {
            ticks.insert(0, (empty, "0".into()));
        }
        for (at, label) in ticks {
            svg.line("axis", (at, bottom), (at, bottom + 5.0));
            svg.text("tick", (at, bottom + 23.0), Anchor::Middle, &label);
        }
        svg.text("label", (WIDTH - 8.0, bottom + 50.0), Anchor::End, "weights kept");
        if let Some(at) = self.reference.as_ref().and_then(|reference| at(reference.value)) {
            svg.line("reference", (at, TOP), (at, bottom));
        }
        let spread = (pitch - 16.0) / self.series.len().max(1) as f64;
        for (i, (series, style)) in self.series.iter().zip(styles).enumerate() {
            let shift = (i as f64 - (self.series.len() as f64 - 1.0) / 2.0) * spread;
            let places: Vec<_> = (series.layers.iter())
                .filter_map(|(layer, kept)| {
                    let row = layers.iter().position(|name| name == layer)?;
                    Some(((at(*kept)?, TOP + pitch * (row as f64 + 0.5) + shift), layer, *kept))
                })
                .collect();
            svg.open(&style.class());
            svg.path("polyline", "thread", places.iter().map(|(at, ..)| *at));
            for (at, layer, kept) in places {
                svg.mark(style.mark(), at, &format!("{} keeps {} of {layer}", series.name, percent(kept)));
            }
            svg.close();
        }
        svg.finish()
    }
}

/// A layer's name, without its beginning if that would take the plot's room.
fn shortened(layer: &str) -> String {
    let length = layer.chars().count();
    if length <= NAME {
        return layer.into();
    }
    let end: String = layer.chars().skip(length - NAME + 1).collect();
    format!("…{}", end.split_once('.').map_or(&*end, |(_, rest)| rest))
}
