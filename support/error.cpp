#include "support/error.h"

#include <fmt/format.h>

#include <new>

namespace edgeopt {

void rethrow_with_context(std::string_view context) {
  try {
    throw;
  } catch (const UserError& error) {
    throw UserError(fmt::format("{}: {}", context, error.what()));
  } catch (const std::bad_alloc&) {
    throw UserError(
        fmt::format("{}: out of memory; use a smaller model, fewer threads or a larger machine", context));
  } catch (const std::length_error&) {
    throw UserError(fmt::format("{}: a size is larger than any memory", context));
  } catch (const std::exception& error) {
    throw InternalError(fmt::format("{}: {}", context, error.what()));
  }
}

}  // namespace edgeopt
