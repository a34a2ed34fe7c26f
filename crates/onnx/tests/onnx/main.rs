//! Networks that go into ONNX and come back.

mod foreign;
mod round_trip;
mod spoilt;
mod wide;
