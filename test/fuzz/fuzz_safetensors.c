/*
 * fuzz_safetensors.c
 *	  A file of tensors: any bytes; what opens can be read to its last element.
 */
#include "fuzz.h"
#include "nn/safetensors.h"

static float
read_tensor(const SafeTensor *tensor, const uint8_t *data, size_t size)
{
	float		sum = 0;

	MUST(tensor->rank >= 0 && tensor->rank <= SAFETENSORS_MAX_RANK);
	MUST(tensor->data >= data && tensor->data <= data + size);
	MUST(tensor->count <= (uint64_t) (data + size - tensor->data));
	if (tensor->type != SAFETENSORS_OTHER)
		for (uint64_t i = 0; i < tensor->count; i++)
			sum += safetensors_get(tensor, i);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	SafeTensors file;
	Status		status;
	volatile float sum = 0;

	status_clear(&status);
	if (safetensors_open(data, size, arena, &file, &status))
	{
		for (int i = 0; i < file.n; i++)
		{
			MUST(safetensors_find(&file, file.tensors[i].name) != NULL);
			sum += read_tensor(&file.tensors[i], data, size);
		}
		for (int i = 0; i < file.nmetadata; i++)
			MUST(safetensors_metadata(&file, file.metadata[i].key) != NULL);
	}
	else
		MUST(status.code != STATUS_SUCCESS && status.message[0] != '\0');
	arena_destroy(arena);
	return 0;
}
