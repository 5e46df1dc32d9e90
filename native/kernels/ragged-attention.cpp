#include "ragged-attention.h"

namespace lvm {

Tensor bias_of(const Distances& distances, int64_t n, int64_t m) {
  const auto options = torch::TensorOptions(torch::kInt64).device(distances.table.device());
  const auto query = torch::arange(m - n, m, options).unsqueeze(1), key = torch::arange(m, options);
  return distances.table.index_select(1, (key - query + distances.zero).flatten()).view({-1, n, m});
}

Tensor ragged_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads, double scale, const Texts& texts,
                        const Distances& distances) {
  const auto e = q.size(1) / heads;
  auto y = torch::empty_like(q);
  int64_t first = 0;
  for (size_t i = 0; i < texts.lengths.size();) {
    const auto length = texts.lengths[i];
    int64_t texts_alike = 0;
    while (i < texts.lengths.size() && texts.lengths[i] == length) ++texts_alike, ++i;
    const auto split = [&](const Tensor& t) {
      return t.narrow(0, first, texts_alike * length).view({texts_alike, length, heads, e}).transpose(1, 2);
    };
    std::optional<Tensor> bias;
    if (distances.table.defined()) bias = bias_of(distances, length, length).unsqueeze(0);
    split(y).copy_(at::scaled_dot_product_attention(split(q), split(k), split(v), bias, 0, false, scale));
    first += texts_alike * length;
  }
  return y;
}

}  // namespace lvm
