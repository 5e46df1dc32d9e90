#pragma once
#include "bank.h"
#include "query-sums.h"

#include <atomic>
#include <vector>

namespace lvm {

// Rank of each query's target in a pool, and the nearest rows there.
struct Ranking {
  // Per query: rows more similar than its target, and other rows that tie with it.
  std::vector<int32_t> ahead, tied;
  // Per query its k nearest rows; ties are ordered by row; −1 where the pool is smaller.
  std::vector<int32_t> rows;
  // Cosines of these rows with the query, and with the target.
  std::vector<double> cosines, to_target;
};

struct Retrieval {
  Ranking all;      // over the whole bank
  Ranking allowed;  // without each query's excluded rows
};

// Ranks the bank for every query by cosine, with the result of a float64 search over the stored values: products are float32, and
// rows within their error bound are computed again in float64. Cosines within 1e-14 of the target's tie with it. Reads the bank
// once; it may be memory-mapped, and memory does not grow with its width.
// Shapes: queries [n, dim] float32, target [n], first [n + 1], excluded [first[n]] (int64): query i leaves out rows
// excluded[first[i] … first[i + 1])
// With `sums` the products are those of the vectors that the queries share; queries in the order of their rows need the fewest.
Retrieval retrieve(const Tensor& queries, Bank& bank, const Tensor& target, const Tensor& first, const Tensor& excluded,
                   int64_t k, const std::atomic<bool>& stop, const QuerySums* sums = nullptr);

}  // namespace lvm
