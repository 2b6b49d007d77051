"""The routes of the batch API: files that come and go, batches created, watched and cancelled."""

import asyncio

from aiohttp import web

from g3lib.candidates.stand_in.batch_work import BatchWork
from g3lib.candidates.stand_in.batches import Batch, created
from g3lib.candidates.stand_in.errors import ApiError
from g3lib.candidates.stand_in.files import File, Files, page
from g3lib.candidates.stand_in.protocol import parsed
from g3lib.candidates.stand_in.service import Service
from g3lib.candidates.stand_in.wire import reply


class BatchRoutes:
    """Files and batches, in memory for as long as the server lives."""

    def __init__(self, service: Service) -> None:
        self.files = Files()
        self.batches: dict[str, Batch] = {}
        self.work = BatchWork(service, self.files)
        self.tasks: set[asyncio.Task[None]] = set()  # the loop itself holds tasks only weakly

    def routes(self) -> list[web.RouteDef]:
        """What an application serves."""
        return [
            web.post("/v1/files", self.upload),
            web.get("/v1/files", self.list_files),
            web.get("/v1/files/{id}", self.file),
            web.delete("/v1/files/{id}", self.delete),
            web.get("/v1/files/{id}/content", self.content),
            web.post("/v1/batches", self.create),
            web.get("/v1/batches", self.list_batches),
            web.get("/v1/batches/{id}", self.batch),
            web.post("/v1/batches/{id}/cancel", self.cancel),
        ]

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Keep an uploaded file."""
        try:
            form = await request.post()
        except (
            ValueError,
            LookupError,
            AssertionError,
            RuntimeError,
        ) as error:  # aiohttp's, for broken forms
            raise ApiError(f"not a multipart form: {error}"[:300]) from None
        file, purpose = form.get("file"), form.get("purpose")
        for name, found in (("file", isinstance(file, web.FileField)), ("purpose", purpose == "batch")):
            if not found:
                message = f"'{name}' is missing or not supported: upload a file with purpose 'batch'."
                raise ApiError(message, code="invalid_value", param=name)
        assert isinstance(file, web.FileField)
        return reply(self.files.add(File(file.file.read(), file.filename, str(purpose))).to_json())

    async def list_files(self, request: web.Request) -> web.StreamResponse:
        """A page of files."""
        return reply(page(list(self.files.all.values()), request.query))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file without its content."""
        return reply(self.files.get(request.match_info["id"]).to_json())

    async def content(self, request: web.Request) -> web.StreamResponse:
        """A file's content."""
        return web.Response(body=self.files.get(request.match_info["id"]).content)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Forget a file."""
        file = self.files.get(request.match_info["id"])
        del self.files.all[file.id]
        return reply({"id": file.id, "object": "file", "deleted": True})

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Begin the work on a batch."""
        batch = created(parsed(await request.read()))
        file = self.files.get(batch.input_file_id)
        if file.purpose != "batch":
            raise ApiError(f"File {file.id} is not for batches.", code="invalid_value", param="input_file_id")
        self.batches[batch.id] = batch
        task = asyncio.create_task(self.work.run(batch, file.content))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return reply(batch.to_json())

    async def list_batches(self, request: web.Request) -> web.StreamResponse:
        """A page of batches."""
        return reply(page(list(self.batches.values()), request.query))

    async def batch(self, request: web.Request) -> web.StreamResponse:
        """A batch."""
        return reply(self._batch(request).to_json())

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """End a batch early; what was answered by then stays in its output file."""
        batch = self._batch(request)
        batch.cancel()
        return reply(batch.to_json())

    def _batch(self, request: web.Request) -> Batch:
        identifier = request.match_info["id"]
        if identifier not in self.batches:
            raise ApiError(f"No batch found with id '{identifier[:100]}'.", 404)
        return self.batches[identifier]
