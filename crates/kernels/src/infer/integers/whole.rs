//! Registers of whole numbers, and what the loops on integers do with them.

/// The most lanes that a register has.
pub(crate) const MOST: usize = 16;

/// A register of i32.
///
/// # Safety (of all functions)
/// The machine must have the instructions for this register, and what is read or written must be there.
pub(crate) trait Whole: Copy {
    /// How many it has.
    const LANES: usize;

    /// Whether two neighbouring products must fit 16 bits.
    const SATURATES: bool = false;

    /// As many f32.
    type Real: Copy;

    /// The same number in each lane.
    unsafe fn splat(number: i32) -> Self;

    /// A number for each lane, or four bytes.
    unsafe fn load(from: *const i32) -> Self;

    /// Writes a number of each lane.
    unsafe fn store(self, to: *mut i32);

    /// To each lane the products of four bytes without a sign with four with one.
    unsafe fn dot(self, bytes: Self, weights: Self) -> Self;

    /// To each lane a product: a byte without a sign with a weight.
    unsafe fn product(self, bytes: Self, weights: Self) -> Self;

    /// A byte without a sign for each lane.
    unsafe fn bytes(from: *const u8) -> Self;

    /// Writes the lowest byte of each lane.
    unsafe fn put(self, to: *mut u8);

    /// `self + other`
    unsafe fn plus(self, other: Self) -> Self;

    /// The nearest f32 of each lane.
    unsafe fn real(self) -> Self::Real;

    /// The same number in each lane.
    unsafe fn reals(number: f32) -> Self::Real;

    /// A number for each lane.
    unsafe fn load_reals(from: *const f32) -> Self::Real;

    /// Writes a number of each lane.
    unsafe fn put_reals(numbers: Self::Real, to: *mut f32);

    /// `a b`, rounded.
    unsafe fn times(a: Self::Real, b: Self::Real) -> Self::Real;

    /// `a b + c`, rounded once.
    unsafe fn fused(a: Self::Real, b: Self::Real, c: Self::Real) -> Self::Real;

    /// Between whole bounds, and then the nearest whole number, of two the even one.
    unsafe fn nearest(numbers: Self::Real, low: Self::Real, high: Self::Real) -> Self;

    /// Of as many rows as there are lanes, each of four numbers, the columns: a row in each lane.
    unsafe fn columns(from: *const i32, rows: &[usize; MOST]) -> [Self; 4];

    /// Writes four columns as rows, the reverse of [`Self::columns`].
    unsafe fn rows(columns: [Self; 4], to: *mut i32, rows: &[usize; MOST]);

    /// Byte number `at` of each lane, as a number without a sign.
    unsafe fn byte(self, at: u32) -> Self;

    /// `a + 2^8 b + 2^16 c + 2^24 d`, of which what is beyond 32 bits is left out: four bytes of four numbers.
    unsafe fn together(bytes: [Self; 4]) -> Self;
}
