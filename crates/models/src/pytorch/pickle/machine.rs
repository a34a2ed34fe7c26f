//! The machine that a pickle is a program for.

use std::collections::BTreeMap;

use super::{
    escapes,
    input::Input,
    numbers::{self, Number},
    value::{Id, Instance, Object, Pickle, Value},
};
use crate::pytorch::Problem;

/// More objects than any checkpoint has; a gigabyte of them.
const OBJECTS: usize = 1 << 25;

type Done<T = ()> = Result<T, Problem>;

/// Reads the pickle that `bytes` begin with.
pub(in crate::pytorch) fn read(bytes: &[u8]) -> Result<Pickle<'_>, Problem> {
    let mut machine = Machine {
        input: Input::new(bytes),
        objects: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
    while machine.step()? {}
    let root = machine.pop()?;
    Ok(Pickle { root, len: machine.input.at(), objects: machine.objects })
}

struct Machine<'a> {
    input: Input<'a>,
    objects: Vec<Object<'a>>,
    stack: Vec<Value<'a>>,
    /// How high the stack was at each open mark.
    marks: Vec<usize>,
    memo: BTreeMap<usize, Value<'a>>,
}

impl<'a> Machine<'a> {
    /// One instruction; whether another one follows.
    fn step(&mut self) -> Done<bool> {
        let instruction = self.input.byte()?;
        match instruction {
            b'.' => return Ok(false),
            // What frames the instructions, and buffers that are read-only.
            0x80 => drop(self.input.byte()?),
            0x95 => drop(self.input.array::<8>()?),
            0x98 => (),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.discard()?,
            b'1' => drop(self.down_to_mark()?),
            b'2' => self.stack.push(self.top()?),
            b'p' | b'q' | b'r' | 0x94 => self.remember(instruction)?,
            b'g' | b'h' | b'j' => self.recall(instruction)?,
            b'N' | 0x88 | 0x89 | b'I' | b'J' | b'K' | b'M' | b'L' | 0x8a | 0x8b | b'F' | b'G' => {
                self.number(instruction)?;
            }
            b'S' | b'T' | b'U' | b'V' | b'X' | 0x8c | 0x8d => self.text(instruction)?,
            b'B' | b'C' | 0x8e | 0x96 => self.bytes(instruction)?,
            b']' | b'l' | b')' | b't' | 0x85..=0x87 | b'}' | b'd' | 0x8f | 0x91 => {
                self.container(instruction)?;
            }
            b'a' | b'e' | 0x90 => self.append(instruction)?,
            b's' | b'u' => self.insert(instruction)?,
            b'c' | 0x93 | 0x82..=0x84 | b'P' | b'Q' | 0x97 => self.name(instruction)?,
            b'R' | 0x81 | 0x92 | b'i' | b'o' => self.call(instruction)?,
            b'b' => self.build()?,
            other => return Err(self.input.damaged(&format!("the unknown instruction {other:#04x}"))),
        }
        Ok(true)
    }

    fn object(&mut self, object: Object<'a>) -> Done<Value<'a>> {
        if self.objects.len() == OBJECTS {
            return Err(Problem::TooMuch(format!("more than {OBJECTS} objects")));
        }
        let id = Id(self.objects.len() as u32);
        self.objects.push(object);
        Ok(Value::Object(id))
    }

    fn push(&mut self, object: Object<'a>) -> Done {
        let value = self.object(object)?;
        self.stack.push(value);
        Ok(())
    }

    /// Where the values begin that the instructions may take: above the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or_default()
    }

    fn pop(&mut self) -> Done<Value<'a>> {
        let value = self.top()?;
        self.stack.pop();
        Ok(value)
    }

    fn top(&self) -> Done<Value<'a>> {
        let value = self.stack[self.floor()..].last();
        value.copied().ok_or_else(|| self.input.damaged("an instruction without a value"))
    }

    fn pop_many(&mut self, count: usize) -> Done<Vec<Value<'a>>> {
        let at = self.stack.len().checked_sub(count).filter(|at| *at >= self.floor());
        let at = at.ok_or_else(|| self.input.damaged("an instruction without its values"))?;
        Ok(self.stack.split_off(at))
    }

    /// The values above the last mark, and the mark with them.
    fn down_to_mark(&mut self) -> Done<Vec<Value<'a>>> {
        let at = self.marks.pop().ok_or_else(|| self.input.damaged("an instruction without its mark"))?;
        Ok(self.stack.split_off(at))
    }

    fn discard(&mut self) -> Done {
        if self.stack.len() == self.floor() && self.marks.pop().is_some() {
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn remember(&mut self, instruction: u8) -> Done {
        let place = match instruction {
            b'p' => self.place()?,
            b'q' => self.input.byte()?.into(),
            b'r' => self.input.u32()?,
            _ => self.memo.len(),
        };
        self.memo.insert(place, self.top()?);
        Ok(())
    }

    fn recall(&mut self, instruction: u8) -> Done {
        let place = match instruction {
            b'g' => self.place()?,
            b'h' => self.input.byte()?.into(),
            _ => self.input.u32()?,
        };
        let value = self.memo.get(&place).copied();
        self.stack.push(value.ok_or_else(|| self.input.damaged("a reference to nothing"))?);
        Ok(())
    }

    fn place(&mut self) -> Done<usize> {
        let line = self.input.text_line()?;
        line.parse().map_err(|_| self.input.damaged("a reference that is no number"))
    }

    fn number(&mut self, instruction: u8) -> Done {
        let number = match instruction {
            b'N' => Number::Small(Value::None),
            0x88 => Number::Small(Value::Bool(true)),
            0x89 => Number::Small(Value::Bool(false)),
            b'J' => numbers::integer(self.input.take(4)?),
            b'K' => Number::Small(Value::Int(self.input.byte()?.into())),
            b'M' => Number::Small(Value::Int(u16::from_le_bytes(self.input.array()?).into())),
            0x8a => {
                let len = self.input.byte()?;
                numbers::integer(self.input.take(len.into())?)
            }
            0x8b => {
                let len = self.input.i32()?;
                numbers::integer(self.input.take(len)?)
            }
            b'G' => Number::Small(Value::Float(f64::from_be_bytes(self.input.array()?))),
            b'F' => {
                let line = self.input.text_line()?;
                let value = line.parse().map_err(|_| self.input.damaged("a number that is none"))?;
                Number::Small(Value::Float(value))
            }
            _ => {
                let line = self.input.text_line()?;
                numbers::digits(line).ok_or_else(|| self.input.damaged("a number that is none"))?
            }
        };
        match number {
            Number::Small(value) => self.stack.push(value),
            Number::Large(object) => self.push(object)?,
        }
        Ok(())
    }

    fn text(&mut self, instruction: u8) -> Done {
        let len = match instruction {
            b'S' => {
                let bytes = escapes::quoted(self.input.line()?);
                let bytes = bytes.ok_or_else(|| self.input.damaged("text without its quotes"))?;
                return self.push(
                    String::from_utf8(bytes)
                        .map_or_else(|error| Object::Bytes(error.into_bytes()), Object::Text),
                );
            }
            b'V' => {
                let text = escapes::raw_unicode(self.input.line()?);
                let text = text.ok_or_else(|| self.input.damaged("an escape that is none"))?;
                return self.push(Object::Text(text));
            }
            b'T' => self.input.i32()?,
            b'U' | 0x8c => self.input.byte()?.into(),
            b'X' => self.input.u32()?,
            _ => self.input.u64()?,
        };
        // Python 2 wrote bytes with the same instructions as text.
        let bytes = self.input.take(len)?;
        self.stack.push(std::str::from_utf8(bytes).map_or(Value::Bytes(bytes), Value::Text));
        Ok(())
    }

    fn bytes(&mut self, instruction: u8) -> Done {
        let len = match instruction {
            b'B' => self.input.u32()?,
            b'C' => self.input.byte()?.into(),
            _ => self.input.u64()?,
        };
        let bytes = self.input.take(len)?;
        self.stack.push(Value::Bytes(bytes));
        Ok(())
    }

    fn container(&mut self, instruction: u8) -> Done {
        let object = match instruction {
            b']' => Object::List(Vec::new()),
            b'l' => Object::List(self.down_to_mark()?),
            b')' => Object::Tuple(Vec::new()),
            b't' => Object::Tuple(self.down_to_mark()?),
            0x85..=0x87 => Object::Tuple(self.pop_many((instruction - 0x84).into())?),
            b'}' => Object::Dictionary(Vec::new()),
            b'd' => {
                let values = self.down_to_mark()?;
                Object::Dictionary(self.pairs(values)?)
            }
            0x8f => Object::Set(Vec::new()),
            _ => Object::Set(self.down_to_mark()?),
        };
        self.push(object)
    }

    fn pairs(&self, values: Vec<Value<'a>>) -> Done<Vec<(Value<'a>, Value<'a>)>> {
        let (pairs, rest) = values.as_chunks::<2>();
        match rest {
            [] => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
            _ => Err(self.input.damaged("a key without its value")),
        }
    }

    fn append(&mut self, instruction: u8) -> Done {
        let values = match instruction {
            b'a' => vec![self.pop()?],
            _ => self.down_to_mark()?,
        };
        match self.top_object() {
            Some(Object::List(list) | Object::Set(list)) => list.extend(values),
            Some(Object::Instance(instance)) => instance.elements.extend(values),
            _ => return Err(self.input.damaged("an element of something that is no list")),
        }
        Ok(())
    }

    fn insert(&mut self, instruction: u8) -> Done {
        let values = match instruction {
            b's' => self.pop_many(2)?,
            _ => self.down_to_mark()?,
        };
        let pairs = self.pairs(values)?;
        match self.top_object() {
            Some(Object::Dictionary(dictionary)) => dictionary.extend(pairs),
            Some(Object::Instance(instance)) => instance.items.extend(pairs),
            _ => return Err(self.input.damaged("an entry of something that is no dictionary")),
        }
        Ok(())
    }

    fn top_object(&mut self) -> Option<&mut Object<'a>> {
        match self.top() {
            Ok(Value::Object(id)) => self.objects.get_mut(id.0 as usize),
            _ => None,
        }
    }

    fn name(&mut self, instruction: u8) -> Done {
        let object = match instruction {
            b'c' => {
                let module = Value::Text(self.input.text_line()?);
                Object::Global(module, Value::Text(self.input.text_line()?))
            }
            0x93 => {
                let name = self.pop()?;
                Object::Global(self.pop()?, name)
            }
            // Numbers that a program gave to its own classes.
            0x82..=0x84 => {
                let code = self.input.take(1 << (instruction - 0x82))?;
                Object::Global(Value::Text("copyreg"), Value::Bytes(code))
            }
            b'P' => Object::Persistent(Value::Text(self.input.text_line()?)),
            b'Q' => Object::Persistent(self.pop()?),
            // A buffer that was sent beside the pickle, and so is not in the file.
            _ => Object::Persistent(Value::None),
        };
        self.push(object)
    }

    fn call(&mut self, instruction: u8) -> Done {
        let (callable, arguments) = match instruction {
            b'i' => {
                let module = Value::Text(self.input.text_line()?);
                let class = Object::Global(module, Value::Text(self.input.text_line()?));
                let arguments = Object::Tuple(self.down_to_mark()?);
                (self.object(class)?, self.object(arguments)?)
            }
            b'o' => {
                let mut values = self.down_to_mark()?;
                if values.is_empty() {
                    return Err(self.input.damaged("an object without a class"));
                }
                let arguments = values.split_off(1);
                (values[0], self.object(Object::Tuple(arguments))?)
            }
            0x92 => {
                // Arguments by name are what `__new__` of few classes takes: an attribute of what is made.
                let named = self.pop()?;
                let arguments = self.pop()?;
                let callable = self.pop()?;
                return self.push(instance(callable, arguments, vec![named]));
            }
            _ => {
                let arguments = self.pop()?;
                (self.pop()?, arguments)
            }
        };
        self.push(instance(callable, arguments, Vec::new()))
    }

    fn build(&mut self) -> Done {
        let state = self.pop()?;
        // Only instances have a state; Python would refuse it for others, which nobody can have written.
        match self.top_object() {
            Some(Object::Instance(instance)) => instance.state.push(state),
            _ => return Err(self.input.damaged("the state of something that has none")),
        }
        Ok(())
    }
}

fn instance<'a>(callable: Value<'a>, arguments: Value<'a>, state: Vec<Value<'a>>) -> Object<'a> {
    let (items, elements) = (Vec::new(), Vec::new());
    Object::Instance(Box::new(Instance { callable, arguments, state, items, elements }))
}
