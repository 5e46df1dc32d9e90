#pragma once
#include "../graph/layer.h"

namespace lvm {

// dropout(softmax(q kᵀ / √e + causal mask)) v. The queries are the last of the keys' positions: query i of n sees keys
// 0 … m − n + i. Long contexts are worked through in blocks of queries, whose scores the backward pass computes again, so
// that memory grows linearly.
// Shapes: q [batch, heads, n, e], k [batch, heads, m, e], v [batch, heads, m, f] -> [batch, heads, n, f]
Tensor softmax_attention(const Tensor& q, const Tensor& k, const Tensor& v, bool causal, double rate, Pass& pass);

}  // namespace lvm
