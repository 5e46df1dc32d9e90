#pragma once
#include "../graph/layer.h"

namespace lvm {

// dropout(softmax(q kᵀ / √e + causal mask)) v. The queries are the last positions of the keys: query i of n sees keys 0 … m − n +
// i. Long contexts are computed in blocks of queries, and the backward pass computes their scores again, so memory is linear in
// time.
// Shapes: q [batch, heads, n, e], k [batch, heads, m, e], v [batch, heads, m, f] -> [batch, heads, n, f]
Tensor softmax_attention(const Tensor& q, const Tensor& k, const Tensor& v, bool causal, double rate, Pass& pass);

}  // namespace lvm
