//! Networks that go into ONNX and come back.

mod channels;
mod ends;
mod examples;
mod foreign;
mod meanings;
mod pairs;
mod quantised;
mod quantiser;
mod round_trip;
mod spoilt;
mod unoptimised;
mod wide;
mod written;
