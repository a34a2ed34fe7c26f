//! A picture in the making: a few shapes, written as SVG.
//!
//! Shapes carry classes, never colours: the style of the page decides.

use std::fmt::{self, Write as _};

/// Text in which nothing is markup.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            _ => f.write_char(c),
        })
    }
}

/// On which side of its place a text lies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The text of a picture, growing shape by shape.
pub(super) struct Svg(String);

impl Svg {
    /// An empty picture, with what it shows in words.
    pub(super) fn new(width: f64, height: f64, about: &str) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
             aria-label=\"{}\">",
            Escaped(about)
        ))
    }

    /// The shapes up to [`Svg::close`] belong together and have this class.
    pub(super) fn open(&mut self, class: &str) {
        self.push(format_args!("<g class=\"{class}\">"));
    }

    pub(super) fn close(&mut self) {
        self.0.push_str("</g>");
    }

    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    pub(super) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
            Escaped(text)
        ));
    }

    /// A line through points (`polyline`) or the area inside them (`polygon`).
    pub(super) fn path(&mut self, shape: &str, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        self.push(format_args!("<{shape} class=\"{class}\" points=\""));
        for (i, (x, y)) in points.into_iter().enumerate() {
            self.push(format_args!("{}{x:.1},{y:.1}", if i > 0 { " " } else { "" }));
        }
        self.0.push_str("\"/>");
    }

    /// Small dots, in one shape.
    pub(super) fn dots(&mut self, class: &str, places: impl Iterator<Item = (f64, f64)>) {
        let mut places = places.peekable();
        if places.peek().is_none() {
            return;
        }
        self.push(format_args!("<path class=\"{class}\" d=\""));
        // A line of no length has round ends.
        places.for_each(|(x, y)| self.push(format_args!("M{x:.0} {y:.0}h0")));
        self.0.push_str("\"/>");
    }

    /// A mark in the given one of six shapes; `hint` appears under the pointer.
    pub(super) fn mark(&mut self, shape: usize, (x, y): (f64, f64), hint: &str) {
        let polygon: &[(f64, f64)] = match shape % 6 {
            1 => &[(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)],
            2 => &[(0.0, -5.0), (4.7, 3.6), (-4.7, 3.6)],
            3 => &[(0.0, -5.2), (5.2, 0.0), (0.0, 5.2), (-5.2, 0.0)],
            4 => &[(0.0, 5.0), (4.7, -3.6), (-4.7, -3.6)],
            5 => &[(-5.0, -1.7), (5.0, -1.7), (5.0, 1.7), (-5.0, 1.7)],
            _ => &[],
        };
        if polygon.is_empty() {
            self.push(format_args!("<circle class=\"mark\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.2\">"));
        } else {
            self.0.push_str("<polygon class=\"mark\" points=\"");
            for (i, (dx, dy)) in polygon.iter().enumerate() {
                self.push(format_args!("{}{:.1},{:.1}", if i > 0 { " " } else { "" }, x + dx, y + dy));
            }
            self.0.push_str("\">");
        }
        if !hint.is_empty() {
            self.push(format_args!("<title>{}</title>", Escaped(hint)));
        }
        self.0.push_str(if polygon.is_empty() { "</circle>" } else { "</polygon>" });
    }

    /// The finished picture.
    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }

    fn push(&mut self, text: fmt::Arguments<'_>) {
        // Writing into a string cannot fail.
        let _ = self.0.write_fmt(text);
    }
}
