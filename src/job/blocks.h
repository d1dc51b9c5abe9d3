#pragma once

#include <cstdint>

namespace sd::job {

/// The blocks of a job: so many lines of the prompt file each, those of the next pass behind those
/// of the first. A place is a picture's among all of the job.
struct Blocks {
  int64_t lines = 1;      ///< of the prompt file
  int64_t per_block = 1;  ///< lines

  int64_t in_pass() const { return (lines + per_block - 1) / per_block; }
  int64_t of_place(int64_t place) const {
    return place / lines * in_pass() + place % lines / per_block;
  }
  int64_t first_place(int64_t block) const {
    return block / in_pass() * lines + block % in_pass() * per_block;
  }
  int64_t size(int64_t block) const {
    const int64_t begin = block % in_pass() * per_block;
    return begin + per_block < lines ? per_block : lines - begin;
  }
};

}  // namespace sd::job
