#pragma once
#include "../torch.h"

namespace lvm {

using torch::Tensor;

// Whether short_attention applies: inference in float32 on the CPU, over a context that is short enough.
bool is_short_attention(const Tensor& q, const Tensor& k, const Tensor& v);

// softmax(q kᵀ / √e + causal mask) v, read and written where the heads lie side by side, without copies of them. The queries are
// the last positions of the keys.
// Shapes: q [batch, heads, n, e], k [batch, heads, m, e], v [batch, heads, m, f] -> [batch, heads, n, f], of memory
// [batch, n, heads, f]
Tensor short_attention(const Tensor& q, const Tensor& k, const Tensor& v, bool causal);

}  // namespace lvm
