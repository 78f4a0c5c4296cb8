"""The routes of the service, one function each. A new one is a function in one of these modules and its row in
docs/serving.md; a new module also has its `ROUTES` named here."""

from serving.routes import feedback, model, native, operations, original, predict
from serving.routing import Routes

ROUTES = Routes(*predict.ROUTES, *original.ROUTES, *model.ROUTES, *operations.ROUTES, *native.ROUTES, *feedback.ROUTES)
