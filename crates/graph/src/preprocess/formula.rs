//! A formula in `x`, the stored value of a pixel.

/// `a x + b` for each channel, or once for all.
type Line = Vec<[f64; 2]>;

/// Mean and standard deviation of each channel, for values in [0, 1], of a formula such as `(x-127)/128` or
/// `(x/255-[0.485,0.456,0.406])/[0.229,0.224,0.225]`; or what is wrong with it, as what follows it.
pub(super) fn constants(text: &str) -> Result<[Vec<f64>; 2], String> {
    let mut rest = Reader { chars: text.chars().filter(|c| !c.is_whitespace()).collect(), at: 0 };
    let line = rest.sum()?;
    if let Some(c) = rest.peek() {
        return Err(format!("has `{c}` where it should end"));
    }
    // a x + b = (x / 255 - mean) / std
    let std = line.iter().map(|[a, _]| plain(1.0 / (a * 255.0))).collect();
    let mean = line.iter().map(|[a, b]| plain(-b / (a * 255.0))).collect();
    Ok([mean, std])
}

/// The number that was meant, where arithmetic moved the last bits of it: 0.229, not 0.22900000000000004.
fn plain(x: f64) -> f64 {
    let short: f64 = format!("{x:.12}").parse().unwrap_or(x);
    // No negative zero.
    if (short - x).abs() <= 1e-14 * x.abs() { short + 0.0 } else { x }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    fn sum(&mut self) -> Result<Line, String> {
        let negative = self.take('-');
        let mut line = self.product()?;
        if negative {
            line.iter_mut().flatten().for_each(|value| *value = -*value);
        }
        loop {
            let sign = match self.peek() {
                Some('+') => 1.0,
                Some('-') => -1.0,
                _ => return Ok(line),
            };
            self.at += 1;
            let other = self.product()?;
            line = each(line, other, |[a, b], [c, d]| Ok([a + sign * c, b + sign * d]))?;
        }
    }

    fn product(&mut self) -> Result<Line, String> {
        let mut line = self.factor()?;
        loop {
            if self.take('*') {
                let other = self.factor()?;
                line = each(line, other, |[a, b], [c, d]| match (a == 0.0, c == 0.0) {
                    (_, true) => Ok([a * d, b * d]),
                    (true, _) => Ok([c * b, d * b]),
                    _ => Err("multiplies x by x".into()),
                })?;
            } else if self.take('/') {
                let other = self.factor()?;
                line = each(line, other, |[a, b], [c, d]| match (c == 0.0, d == 0.0) {
                    (true, false) => Ok([a / d, b / d]),
                    (true, true) => Err("divides by 0".into()),
                    _ => Err("divides by x".into()),
                })?;
            } else {
                return Ok(line);
            }
        }
    }

    fn factor(&mut self) -> Result<Line, String> {
        match self.peek() {
            Some('x') => {
                self.at += 1;
                Ok(vec![[1.0, 0.0]])
            }
            Some('(') => {
                self.at += 1;
                let line = self.sum()?;
                if self.take(')') { Ok(line) } else { Err(self.unexpected("`)`")) }
            }
            Some('[') => {
                self.at += 1;
                let mut values = vec![[0.0, self.number()?]];
                while self.take(',') {
                    values.push([0.0, self.number()?]);
                }
                if self.take(']') { Ok(values) } else { Err(self.unexpected("`,` or `]`")) }
            }
            _ => Ok(vec![[0.0, self.number()?]]),
        }
    }

    fn number(&mut self) -> Result<f64, String> {
        let start = self.at;
        let negative = self.take('-');
        while let Some(c) = self.peek() {
            let exponent = start < self.at && "+-".contains(c) && "eE".contains(self.chars[self.at - 1]);
            if !(c.is_ascii_digit() || ".eE".contains(c) || exponent) {
                break;
            }
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        let found = text.parse::<f64>().ok().filter(|value| value.is_finite());
        found.ok_or_else(|| {
            if text.is_empty() || (negative && text == "-") {
                self.unexpected("a number")
            } else {
                format!("has `{text}`, which is no number")
            }
        })
    }

    fn unexpected(&self, expected: &str) -> String {
        match self.peek() {
            Some(c) => format!("has `{c}` where {expected} was expected"),
            None => format!("ends too early: expected {expected}"),
        }
    }
}

/// Two lines, channel by channel.
fn each(
    one: Line,
    other: Line,
    f: impl Fn([f64; 2], [f64; 2]) -> Result<[f64; 2], String>,
) -> Result<Line, String> {
    let channels = match (one.len(), other.len()) {
        (1, n) | (n, 1) => n,
        (a, b) if a == b => a,
        (a, b) => return Err(format!("has lists of {a} and of {b} numbers")),
    };
    let at = |line: &Line, channel: usize| line[if line.len() == 1 { 0 } else { channel }];
    (0..channels).map(|channel| f(at(&one, channel), at(&other, channel))).collect()
}
