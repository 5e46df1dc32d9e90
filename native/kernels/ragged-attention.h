#pragma once
#include "../graph/layer.h"

namespace lvm {

// softmax(q kᵀ · scale + bias) v, for each text and head. The bias depends on the distance of key and query; there is none
// without a table.
// Shapes: q, k, v [tokens, heads · e] -> the same
Tensor ragged_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads, double scale, const Texts& texts,
                        const Distances& distances);

// The bias of n queries at the last positions of m keys.
// Shapes: -> [heads, n, m]
Tensor bias_of(const Distances& distances, int64_t n, int64_t m);

}  // namespace lvm
