#pragma once
#include "../error.h"
#include "retrieval-kernels.h"

#include "../torch.h"

#include <mutex>
#include <vector>

namespace lvm {

using torch::Tensor;

// Vectors to search, in their stored dtype. The length of a row is computed when a search first reads it and kept: 8 bytes a row.
// Several threads may search at once.
// Shapes: table [rows, dim] float16 or float32
// Errors: BAD_ARGUMENT
class Bank {
 public:
  explicit Bank(Tensor table);

  retrieval::Row at(int64_t row) const { return {wide ? wide + row * dim : nullptr, half ? half + row * dim : nullptr}; }
  double measure(int64_t row) const { return std::sqrt(retrieval::dot(at(row), at(row), dim)); }

  // A block of rows from row `begin` on. Float32 products with rows that are not `usual` may overflow or lose digits.
  struct Block {
    int64_t begin, count;
    const double* lengths;
    bool usual;
  };
  int64_t blocks() const { return int64_t(states.size()); }
  // Errors: DATA_NOT_FINITE, DATA_CHANGED
  Block block(int64_t number);

  const Tensor table;
  const int64_t rows, dim;

 private:
  enum class State : char { unread, usual, unusual };
  State read(int64_t begin, int64_t count);

  const float* wide;
  const uint16_t* half;
  const int64_t block_rows;
  std::vector<double> lengths;
  std::vector<State> states;
  std::mutex reading;
};

}  // namespace lvm
