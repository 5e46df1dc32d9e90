// Writes the zip-and-pickle format of torch.save. torch::pickle_save tags dicts with a type that Python's weights_only reader
// refuses, so this file calls the pickler itself, with tag_aggregates off.

#include "pt-writer.h"

#include "file-sink.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>

namespace lvm {
namespace {

// Ends the writer before its destructor does, because an exception there ends the process.
void end_quietly(caffe2::serialize::PyTorchStreamWriter& writer) noexcept {
  try {
    if (!writer.finalized()) writer.writeEndOfFile();
  } catch (...) {
  }
}

}  // namespace

void write_pt(const std::string& path, const c10::IValue& value, const std::function<void(const at::Tensor&)>& before,
              const std::function<void(const at::Tensor&)>& after) {
  std::string data;
  torch::jit::Pickler pickler([&](const char* bytes, size_t size) { data.append(bytes, size); }, nullptr, nullptr, nullptr,
                              nullptr, false);
  pickler.protocol();
  pickler.pushIValue(value);
  pickler.stop();

  FileSink sink(path);
  {
    caffe2::serialize::PyTorchStreamWriter writer([&](const void* bytes, size_t size) { return sink.write(bytes, size); });
    try {
      writer.writeRecord("data.pkl", data.data(), data.size());
      writer.writeRecord("byteorder", "little", 6);
      size_t i = 0;
      for (const auto& tensor : pickler.tensorData()) {
        if (before) before(tensor);
        const auto writable = torch::jit::getWriteableTensorData(tensor);
        writer.writeRecord("data/" + std::to_string(i++), writable.data(), writable.sizeInBytes());
        if (after) after(tensor);
      }
      writer.writeEndOfFile();
    } catch (...) {
      end_quietly(writer);
      throw;
    }
  }
  sink.finish();
}

}  // namespace lvm
