//! The types of elements.

use burn::tensor::{BoolStore, DType};

/// A type of PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::pytorch) struct Element {
    /// Its name in `torch`.
    pub(in crate::pytorch) name: &'static str,
    /// The bytes of one element.
    pub(in crate::pytorch) size: usize,
    /// The same type here, if there is one.
    pub(super) dtype: Option<DType>,
}

const fn element(name: &'static str, size: usize, dtype: Option<DType>) -> Element {
    Element { name, size, dtype }
}

/// Each type with the class of its storages. Types without one lie in untyped
/// storages, whose elements are bytes.
const ELEMENTS: &[(&str, Element)] = &[
    ("DoubleStorage", element("float64", 8, Some(DType::F64))),
    ("FloatStorage", element("float32", 4, Some(DType::F32))),
    ("HalfStorage", element("float16", 2, Some(DType::F16))),
    ("BFloat16Storage", element("bfloat16", 2, Some(DType::BF16))),
    ("LongStorage", element("int64", 8, Some(DType::I64))),
    ("IntStorage", element("int32", 4, Some(DType::I32))),
    ("ShortStorage", element("int16", 2, Some(DType::I16))),
    ("CharStorage", element("int8", 1, Some(DType::I8))),
    ("ByteStorage", element("uint8", 1, Some(DType::U8))),
    ("BoolStorage", element("bool", 1, Some(DType::Bool(BoolStore::Native)))),
    ("ComplexFloatStorage", element("complex64", 8, None)),
    ("ComplexDoubleStorage", element("complex128", 16, None)),
    ("QInt8Storage", element("qint8", 1, None)),
    ("QUInt8Storage", element("quint8", 1, None)),
    ("QInt32Storage", element("qint32", 4, None)),
    ("QUInt4x2Storage", element("quint4x2", 1, None)),
    ("QUInt2x4Storage", element("quint2x4", 1, None)),
    ("UntypedStorage", element("uint8", 1, Some(DType::U8))),
    ("", element("uint16", 2, Some(DType::U16))),
    ("", element("uint32", 4, Some(DType::U32))),
    ("", element("uint64", 8, Some(DType::U64))),
    ("", element("complex32", 4, None)),
    ("", element("float8_e4m3fn", 1, None)),
    ("", element("float8_e4m3fnuz", 1, None)),
    ("", element("float8_e5m2", 1, None)),
    ("", element("float8_e5m2fnuz", 1, None)),
    ("", element("float8_e8m0fnu", 1, None)),
    ("", element("float4_e2m1fn_x2", 1, None)),
];

impl Element {
    /// By the name of a class of storages.
    pub(in crate::pytorch) fn of_storage(class: &str) -> Option<Self> {
        ELEMENTS.iter().find(|(name, _)| !name.is_empty() && *name == class).map(|row| row.1)
    }

    /// By its name in `torch`.
    pub(super) fn named(name: &str) -> Option<Self> {
        ELEMENTS.iter().find(|(_, element)| element.name == name).map(|row| row.1)
    }

    /// The type of a tensor, or why there is none.
    pub(super) fn dtype(self) -> Result<DType, String> {
        self.dtype.ok_or_else(|| unusable(self.name))
    }
}

/// Why a type cannot be read, and what to do.
pub(super) fn unusable(name: &str) -> String {
    let quantised = ["qint", "quint", "int4", "int2", "uint1"].iter().any(|start| name.starts_with(start));
    if quantised {
        return format!("quantised ({name}): save its dequantised weights, `.dequantize()`");
    }
    let remedy =
        if name.starts_with("complex") { "save real weights" } else { "save it as float16 or float32" };
    format!("of the type {name}, which is not read: {remedy}")
}
