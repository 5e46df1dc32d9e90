#pragma once
#include "../error.h"

#include "../torch.h"

#include <vector>

namespace lvm {

using torch::Tensor;

// Rows that the targets of a batch compete with.
struct Negatives {
  Tensor vectors;                        // unit vectors [columns, dim]
  std::vector<int64_t> first, excluded;  // query i leaves out the columns excluded[first[i] … first[i + 1])
  Tensor log_q;                          // logarithm of the share of rows like a column that are columns [queries, 1]
  Tensor query_group, column_group;      // where they are equal the share is 1; undefined: nowhere
};

struct Contrasted {
  Tensor loss;             // of each query [queries]
  Tensor gradient;         // of the mean loss, at the queries [queries, dim]
  double log_temperature;  // gradient of the mean loss, at the logarithm of the temperature
};

// Contrastive loss (InfoNCE) of unit vectors. Columns whose cosine with a query's target is at least .99 are copies of it, not
// negatives.
// Shapes: queries [n, dim], targets [n, dim]
Contrasted contrast(const Tensor& queries, const Tensor& targets, const Negatives& negatives, double log_temperature);

}  // namespace lvm
