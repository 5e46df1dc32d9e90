#pragma once
#include "../torch.h"

#include <vector>

namespace lvm {

using torch::Tensor;

// Query i is about Σ_j weights[i][j] · parts[rows[i][j]]. The products of the parts then give those of all queries.
// Shapes: parts [r, dim] float32, rows [n, width] int64, weights [n, width] float64
struct QuerySums {
  Tensor parts, rows, weights;
};

// Sums of unit vectors that approximate the unit queries, with a bound on the error of each query's float32 cosines.
// Errors: BAD_ARGUMENT for rows outside the parts, and for a query whose rows are further apart than a stretch may be long
class SharedSums {
 public:
  SharedSums(const QuerySums& sums, const Tensor& queries, int64_t longest);

  // Queries `from` … `to`, which use the parts `low` … `high`.
  struct Stretch {
    int64_t from, to, low, high;
  };
  // Writes the cosines of query i, given those of the parts from `low` on, `count` of each.
  void add(int64_t i, const float* table, int64_t low, int64_t count, float* out) const;

  Tensor unit;  // parts, normalised
  std::vector<double> errors;
  std::vector<Stretch> stretches;

 private:
  struct Term {
    int64_t row;
    float weight;
  };
  // Reads the terms of a query, and returns the distance of their sum from the unit query.
  double read(int64_t i, const QuerySums& sums, const float* query, const std::vector<double>& lengths);

  std::vector<std::vector<Term>> terms;
};

}  // namespace lvm
