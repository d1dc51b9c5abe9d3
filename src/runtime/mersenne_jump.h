#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sd::runtime {

/// Words of the Mersenne twister's state (mt19937, Matsumoto and Nishimura 1998).
inline constexpr size_t kTwisterWords = 624;
using TwisterState = std::array<uint32_t, kTwisterWords>;

/// The next 624 words of the sequence.
void twist(TwisterState* state);

/// The state as `words` single words further on, in a time that does not grow with them (about as
/// long as stepping through 20 million). The low 31 bits of its first word, which are no part of
/// the state, may differ from what stepping leaves.
///
/// The sequence is linear over GF(2): a step is a matrix T, and T^n the polynomial x^n modulo T's
/// minimal polynomial (Haramoto et al. 2008, "Efficient jump ahead for F2-linear random number
/// generators").
void jump_ahead(TwisterState* state, uint64_t words);

}  // namespace sd::runtime
