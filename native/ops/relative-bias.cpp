// A chain of ops whose attention adds a bias by the distance of key and query, shared by all layers inside.
//
//   bias[head, query, key] = E[bucket(key − query), head], E the first op inside, an embedding
//   bucket  the sign takes half of the buckets unless causal; half of the rest are exact distances, the others grow
//           logarithmically up to `distance`, from which on all distances share the last one
//
// shapes  x -> the output of the last op inside
// errors  BAD_SPEC without an embedding [buckets, heads]
// source  Raffel et al. 2020, arXiv:1910.10683, section 2.1; parity: T5, MPNet

#include "../graph/branches.h"
#include "op-table.h"

namespace lvm {
namespace {

int64_t bucket_of(int64_t ahead, int64_t buckets, int64_t farthest, bool causal) {
  int64_t first = 0, far = -ahead;  // keys before the query
  if (!causal) {
    buckets /= 2;
    if (ahead > 0) first = buckets;
    far = std::abs(ahead);
  }
  far = std::max<int64_t>(far, 0);
  const auto exact = buckets / 2;
  if (far < exact) return first + far;
  // float32, as the models were trained with, so that distances at a border fall into the same bucket
  const auto share = std::log(float(far) / float(exact)) / float(std::log(double(farthest) / double(exact)));
  return first + std::min(exact + int64_t(share * float(buckets - exact)), buckets - 1);
}

struct RelativeBias final : Layer {
  RelativeBias(const Node& node, Builder& b)
      : buckets(node.integer("buckets")), farthest(node.integer("distance")), causal(node.flag("causal")) {
    if (node.of.size() < 2 || node.of.front().op != "embedding" || node.of.front().integer("entries") != buckets)
      throw Error("BAD_SPEC", "relativeBias: expected an embedding with an entry per bucket, and ops that use it");
    layers = b.build_all(node.of);
  }
  bool mixes() const override { return true; }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto outer = pass.distances;
    const auto longest = pass.texts ? pass.texts->longest : x.size(1) + (pass.state ? pass.state->position : 0);
    auto ids = torch::empty({2 * longest - 1}, torch::kInt64);
    auto* id = ids.mutable_data_ptr<int64_t>();
    for (int64_t i = 0; i < ids.size(0); ++i) id[i] = bucket_of(i - longest + 1, buckets, farthest, causal);
    const auto last_only = std::exchange(pass.last_only, false);
    const auto table = (*layers.front())(ids.to(x.device()), pass).t().contiguous();
    pass.last_only = last_only;
    pass.distances = {table, longest - 1};
    auto y = x;
    for (size_t i = 1; i < layers.size(); ++i) y = (*layers[i])(y, pass);
    pass.distances = outer;
    return y;
  }

  int64_t buckets, farthest;
  bool causal;
  std::vector<Made> layers;
};

}  // namespace

Made make_relative_bias(const Node& node, Builder& b) { return std::make_unique<RelativeBias>(node, b); }

}  // namespace lvm
