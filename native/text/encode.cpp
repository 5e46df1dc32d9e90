#include "encode.h"

#include <numeric>

namespace lvm {
namespace {

// The next of 32 sizes per power of two. oneDNN prepares and keeps a kernel for every number of rows, so that batches of
// thousands of sizes would fill its cache and spend time on preparing.
int64_t rounded(int64_t tokens) {
  int64_t step = 1;
  while (64 * step <= tokens) step *= 2;
  return (tokens + step - 1) / step * step;
}

}  // namespace

Tensor encode_texts(Model& model, const Tensor& ids, const std::vector<int64_t>& lengths, int64_t skip) {
  torch::InferenceMode inference;
  if (!model.reads_texts) throw Error("BAD_ARGUMENT", "encode: expected a model of texts but received a predictor");
  const auto total = std::accumulate(lengths.begin(), lengths.end(), int64_t(0));
  if (std::any_of(lengths.begin(), lengths.end(), [](int64_t n) { return n < 1; }) || total != ids.size(0))
    throw Error("BAD_ARGUMENT", "encode: expected texts of at least one token whose lengths add up to " +
                                  std::to_string(ids.size(0)) + " but received a sum of " + std::to_string(total));
  if (lengths.empty()) return torch::empty({0, model.dim});
  const auto extra = rounded(total) - total;
  auto padded = lengths;
  padded.insert(padded.end(), extra, 1);  // texts of one token, whose results are dropped
  Texts texts(std::move(padded));
  texts.skip = skip;
  Pass pass;
  pass.texts = &texts;
  const auto y = model.forward(torch::cat({ids, torch::zeros({extra}, ids.options())}), pass);
  return y.narrow(0, 0, y.size(0) - extra).to(torch::kFloat32).contiguous();
}

}  // namespace lvm
