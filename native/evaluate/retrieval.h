#pragma once
#include "../error.h"

#include "../torch.h"

#include <atomic>
#include <vector>

namespace lvm {

using torch::Tensor;

// Where the targets of some queries stand in one pool, and what stands first there.
struct Ranking {
  // Per query: rows more similar to it than its target, and other rows exactly as similar.
  std::vector<int32_t> ahead, tied;
  // Per query its k nearest rows, the nearest first and the smaller row first of two that tie: −1 where the pool is smaller.
  std::vector<int32_t> rows;
  // Of these rows with the query, and with the target.
  std::vector<double> cosines, to_target;
};

struct Retrieval {
  Ranking all;      // the whole bank is the pool
  Ranking allowed;  // each query's excluded rows are left out of it
};

// Ranks the bank for every query by cosine, as a search in float64 over the stored values does: products are taken in float32,
// and whatever their error bound leaves open is computed again in float64. Cosines within 1e-14 of that of the target tie with
// it. The bank is read once and may be mapped from a file; memory does not grow with it. Shapes: queries [n, dim] float32, bank
// [rows, dim] float16 or float32, target [n], first [n + 1], excluded [first[n]] (int64): query i leaves out the rows
// excluded[first[i] … first[i + 1]).
Retrieval retrieve(const Tensor& queries, const Tensor& bank, const Tensor& target, const Tensor& first, const Tensor& excluded,
                   int64_t k, const std::atomic<bool>& stop);

}  // namespace lvm
