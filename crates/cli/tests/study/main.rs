//! Whole studies, carried out by the program that users run.

mod overhead;
mod place;
mod resume;
