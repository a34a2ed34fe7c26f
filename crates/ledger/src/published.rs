//! The published accounts of energy and carbon, as functions: to compare a study with
//! them on their own terms, and to show that this ledger computes what they printed.
//!
//! Both speak of pounds of CO2e and of the mean grid of the United States. Neither is
//! what [`super::Meter`] does: they know only hours and watts.

mod ofa;
mod strubell;

pub use ofa::{OFA_TABLE_1, PublishedSearch, ofa_co2e_lb, ofa_dollars};
pub use strubell::{
    Draw, LB_PER_KWH, NAS_CORRECTION_AVERAGE, NAS_CORRECTION_GOOGLE, PUE, strubell_co2e_lb, strubell_kwh,
};
