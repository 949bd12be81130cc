/* Runs an exported model through TensorFlow's C API: no Python, no knowledge of keras_vae.
 *
 *   run_saved_model EXPORT            lists the signatures, with names, types and shapes
 *   run_saved_model EXPORT REQUESTS   answers each request in the file REQUESTS
 *
 * A request is some lines `input NAME FILE DIMENSION...` and then `run SIGNATURE PREFIX`. Arrays are raw, in row-major
 * order and this machine's byte order; each string is 8 bytes of its length and then the string. An answer is, for each
 * output, the file PREFIX.NAME and the line `output SIGNATURE NAME FILE DIMENSION...`. What a signature's tensors are
 * called inside the graph is read from the model itself.
 *
 *   cc -std=c11 -I $TF/include run_saved_model.c -L $TF -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

enum { MAX_TENSORS = 16, MAX_RANK = 8, MAX_NAME = 256, MAX_PATH = 4096 };

typedef struct {
  const uint8_t *at, *end;
} Bytes; /* a part of a serialized protocol buffer */

typedef struct {
  char name[MAX_NAME], tensor[MAX_NAME]; /* what users call it, and what the graph does: "operation:index" */
  int type, rank;
  int64_t shape[MAX_RANK];
} Slot;

typedef struct {
  char name[MAX_NAME];
  Slot inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  int num_inputs, num_outputs;
} Signature;

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("run_saved_model: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static void check(TF_Status *status, const char *what) {
  if (TF_GetCode(status) != TF_OK) fail("%s: %s", what, TF_Message(status));
}

/* ---- Protocol buffers: just enough of the wire format to read signatures. ---- */

static uint64_t read_varint(Bytes *bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (bytes->at >= bytes->end) fail("the signatures end too soon");
    uint8_t byte = *bytes->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) break;
  }
  return value;
}

/* Reads one field: its number, or 0 at the end; its value if it is a number, or its content if it is anything else. */
static int read_field(Bytes *bytes, uint64_t *value, Bytes *content) {
  if (bytes->at >= bytes->end) return 0;
  uint64_t key = read_varint(bytes), size = 0;
  switch (key & 7) {
    case 0: *value = read_varint(bytes); return (int)(key >> 3);
    case 1: size = 8; break;
    case 2: size = read_varint(bytes); break;
    case 5: size = 4; break;
    default: fail("the signatures hold an unknown wire type %d", (int)(key & 7));
  }
  if (size > (uint64_t)(bytes->end - bytes->at)) fail("the signatures end too soon");
  *content = (Bytes){bytes->at, bytes->at + size};
  bytes->at += size;
  return (int)(key >> 3);
}

static void copy_name(char *name, Bytes text) {
  size_t size = text.end - text.at;
  if (size >= MAX_NAME) fail("a name is longer than %d characters", MAX_NAME - 1);
  memcpy(name, text.at, size);
  name[size] = '\0';
}

static void read_shape(Bytes shape, Slot *slot) { /* TensorShapeProto: dim = 2 { size = 1 }, unknown_rank = 3 */
  uint64_t value = 0;
  Bytes dimension, ignored;
  slot->rank = 0;
  for (int field; (field = read_field(&shape, &value, &dimension));) {
    if (field == 3 && value) slot->rank = -1;
    if (field != 2) continue;
    if (slot->rank == MAX_RANK) fail("%s has more than %d axes", slot->name, MAX_RANK);
    slot->shape[slot->rank] = 0;
    while ((field = read_field(&dimension, &value, &ignored)))
      if (field == 1) slot->shape[slot->rank] = (int64_t)value;
    slot->rank++;
  }
}

static void read_slot(Bytes entry, Slot *slots, int *count) { /* map<string, TensorInfo>: key = 1, value = 2 */
  uint64_t value = 0;
  Bytes content, info = {0};
  if (*count == MAX_TENSORS) fail("a signature has more than %d tensors on one side", MAX_TENSORS);
  Slot *slot = &slots[(*count)++];
  memset(slot, 0, sizeof *slot);
  for (int field; (field = read_field(&entry, &value, &content));) {
    if (field == 1) copy_name(slot->name, content);
    if (field == 2) info = content;
  }
  for (int field; (field = read_field(&info, &value, &content));) { /* TensorInfo: name, dtype, tensor_shape */
    if (field == 1) copy_name(slot->tensor, content);
    if (field == 2) slot->type = (int)value;
    if (field == 3) read_shape(content, slot);
  }
}

/* MetaGraphDef: map<string, SignatureDef> signature_def = 5; SignatureDef: inputs = 1, outputs = 2. */
static Signature *read_signatures(const TF_Buffer *meta_graph, int *count) {
  Bytes graph = {meta_graph->data, (const uint8_t *)meta_graph->data + meta_graph->length}, entry, content, definition;
  Signature *found = NULL;
  uint64_t value = 0;
  *count = 0;
  for (int field; (field = read_field(&graph, &value, &entry));) {
    if (field != 5) continue;
    found = realloc(found, (*count + 1) * sizeof *found);
    if (!found) fail("out of memory");
    Signature *signature = &found[(*count)++];
    memset(signature, 0, sizeof *signature);
    definition = (Bytes){0};
    while ((field = read_field(&entry, &value, &content))) {
      if (field == 1) copy_name(signature->name, content);
      if (field == 2) definition = content;
    }
    while ((field = read_field(&definition, &value, &content))) {
      if (field == 1) read_slot(content, signature->inputs, &signature->num_inputs);
      if (field == 2) read_slot(content, signature->outputs, &signature->num_outputs);
    }
  }
  return found;
}

static void print_slots(const char *side, const Slot *slots, int count) {
  for (int i = 0; i < count; i++) {
    printf("  %s %s type %d shape", side, slots[i].name, slots[i].type);
    for (int axis = 0; axis < slots[i].rank; axis++) printf(" %" PRId64, slots[i].shape[axis]);
    putchar('\n');
  }
}

/* ---- Tensors from files and to files. ---- */

static uint8_t *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) fail("cannot read %s", path);
  if (fseek(file, 0, SEEK_END)) fail("cannot read %s", path);
  long length = ftell(file);
  rewind(file);
  uint8_t *content = malloc(length > 0 ? (size_t)length : 1);
  if (!content || length < 0 || fread(content, 1, (size_t)length, file) != (size_t)length) fail("cannot read %s", path);
  fclose(file);
  *size = (size_t)length;
  return content;
}

static TF_Tensor *read_tensor(const char *path, TF_DataType type, const int64_t *shape, int rank) {
  size_t size, count = 1;
  uint8_t *content = read_file(path, &size);
  for (int axis = 0; axis < rank; axis++) count *= (size_t)shape[axis];
  TF_Tensor *tensor;
  if (type == TF_STRING) {
    tensor = TF_AllocateTensor(type, shape, rank, count * sizeof(TF_TString));
    TF_TString *strings = TF_TensorData(tensor);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
      uint64_t length;
      if (size - at < sizeof length) fail("%s ends too soon", path);
      memcpy(&length, content + at, sizeof length);
      at += sizeof length;
      if (size - at < length) fail("%s ends too soon", path);
      TF_StringInit(&strings[i]);
      TF_StringCopy(&strings[i], (const char *)content + at, length);
      at += length;
    }
    if (at != size) fail("%s holds more than %zu strings", path, count);
  } else {
    if (size != count * TF_DataTypeSize(type)) fail("%s must hold %zu values; it has %zu bytes", path, count, size);
    tensor = TF_AllocateTensor(type, shape, rank, size);
    memcpy(TF_TensorData(tensor), content, size);
  }
  free(content);
  return tensor;
}

static void write_tensor(const char *path, const TF_Tensor *tensor) {
  FILE *file = fopen(path, "wb");
  size_t size = TF_TensorByteSize(tensor);
  if (!file || fwrite(TF_TensorData(tensor), 1, size, file) != size || fclose(file)) fail("cannot write %s", path);
}

/* ---- Requests. ---- */

typedef struct {
  char name[MAX_NAME], path[MAX_PATH];
  int rank;
  int64_t shape[MAX_RANK];
} Input;

static TF_Output output_of(TF_Graph *graph, const Slot *slot) {
  char operation[MAX_NAME];
  strcpy(operation, slot->tensor);
  char *colon = strrchr(operation, ':');
  if (!colon) fail("%s has no index", slot->tensor);
  *colon = '\0';
  TF_Output output = {TF_GraphOperationByName(graph, operation), atoi(colon + 1)};
  if (!output.oper) fail("the graph has no operation %s", operation);
  return output;
}

static void answer(TF_Session *session, TF_Graph *graph, const Signature *signature, const Input *given, int num_given,
                   const char *prefix, TF_Status *status) {
  TF_Output inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  TF_Tensor *in[MAX_TENSORS] = {0}, *out[MAX_TENSORS] = {0};
  if (num_given != signature->num_inputs)
    fail("%s takes %d inputs; it got %d", signature->name, signature->num_inputs, num_given);
  for (int i = 0; i < signature->num_inputs; i++) {
    const Slot *slot = &signature->inputs[i];
    inputs[i] = output_of(graph, slot);
    for (int j = 0; j < num_given; j++)
      if (!strcmp(slot->name, given[j].name))
        in[i] = read_tensor(given[j].path, (TF_DataType)slot->type, given[j].shape, given[j].rank);
    if (!in[i]) fail("%s needs the input %s", signature->name, slot->name);
  }
  for (int i = 0; i < signature->num_outputs; i++) outputs[i] = output_of(graph, &signature->outputs[i]);
  TF_SessionRun(session, NULL, inputs, in, signature->num_inputs, outputs, out, signature->num_outputs, NULL, 0, NULL,
                status);
  check(status, signature->name);
  for (int i = 0; i < signature->num_outputs; i++) {
    char path[MAX_PATH + MAX_NAME + 2];
    snprintf(path, sizeof path, "%s.%s", prefix, signature->outputs[i].name);
    write_tensor(path, out[i]);
    printf("output %s %s %s", signature->name, signature->outputs[i].name, path);
    for (int axis = 0; axis < TF_NumDims(out[i]); axis++) printf(" %" PRId64, TF_Dim(out[i], axis));
    putchar('\n');
    TF_DeleteTensor(out[i]);
  }
  for (int i = 0; i < signature->num_inputs; i++) TF_DeleteTensor(in[i]);
}

static void answer_all(TF_Session *session, TF_Graph *graph, const Signature *signatures, int num_signatures,
                       const char *requests, TF_Status *status) {
  FILE *file = fopen(requests, "r");
  if (!file) fail("cannot read %s", requests);
  char line[2 * MAX_PATH];
  Input given[MAX_TENSORS];
  int num_given = 0;
  while (fgets(line, sizeof line, file)) {
    char *word = strtok(line, " \n");
    if (!word) continue;
    char *name = strtok(NULL, " \n"), *path = strtok(NULL, " \n");
    if (!name || !path || strlen(name) >= MAX_NAME || strlen(path) >= MAX_PATH) fail("a request is not understood");
    if (!strcmp(word, "input")) {
      if (num_given == MAX_TENSORS) fail("a request has more than %d inputs", MAX_TENSORS);
      Input *input = &given[num_given++];
      strcpy(input->name, name);
      strcpy(input->path, path);
      for (input->rank = 0; (word = strtok(NULL, " \n")); input->rank++) {
        if (input->rank == MAX_RANK) fail("%s has more than %d axes", name, MAX_RANK);
        input->shape[input->rank] = strtoll(word, NULL, 10);
        if (input->shape[input->rank] < 0) fail("%s has a negative size", name);
      }
    } else if (!strcmp(word, "run")) {
      const Signature *signature = NULL;
      for (int i = 0; i < num_signatures; i++)
        if (!strcmp(signatures[i].name, name)) signature = &signatures[i];
      if (!signature) fail("there is no signature %s", name);
      answer(session, graph, signature, given, num_given, path, status);
      num_given = 0;
    } else {
      fail("a request is not understood: %s", word);
    }
  }
  fclose(file);
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) {
    fputs("usage: run_saved_model EXPORT [REQUESTS]\n", stderr);
    return 2;
  }
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_Buffer *meta_graph = TF_NewBuffer();
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *tags[] = {"serve"};
  TF_Session *session =
      TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, meta_graph, status);
  check(status, argv[1]);
  int count;
  Signature *signatures = read_signatures(meta_graph, &count);
  if (argc == 2) {
    for (int i = 0; i < count; i++) {
      if (!strncmp(signatures[i].name, "__", 2)) continue; /* TensorFlow's own */
      puts(signatures[i].name);
      print_slots("input", signatures[i].inputs, signatures[i].num_inputs);
      print_slots("output", signatures[i].outputs, signatures[i].num_outputs);
    }
  } else {
    answer_all(session, graph, signatures, count, argv[2], status);
  }
  free(signatures);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteBuffer(meta_graph);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
