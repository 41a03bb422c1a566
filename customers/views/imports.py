"""Files that people bring: tried first, then applied, with their progress and what is wrong row by row."""

from pathlib import PurePath

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from common.clock import now
from common.errors import Refused
from customers.forms import ImportForm
from customers.imports.jobs import KINDS, rest_of, start_import
from ops.models import Job
from staff.pages import PageRequest, found, go, person_of

SHOWN = 20


@require_http_methods(["GET", "POST", "HEAD"])
def imports(request: PageRequest) -> HttpResponse:
    """Bring a file; the files brought before."""
    store = request.principal.store
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            job = start_import(
                store=store, kind=form.cleaned_data["kind"], filename=PurePath(upload.name).name[:120],
                payload=upload.read(), dry_run=True, actor=person_of(request), at=now(),
            )  # fmt: skip
            return redirect("import-job", job.pk)
        except Refused as refused:
            form.add_error("file", str(refused))
    jobs = Job.objects.filter(store_id=store.pk, kind__in=KINDS).defer("payload").order_by("-id")[:SHOWN]
    context = {"form": form, "jobs": jobs}
    return render(request, "customers/imports.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST", "HEAD"])
def import_job(request: PageRequest, pk: int) -> HttpResponse:
    """One file: how far it is, what it did or would do, and what keeps it out."""
    store = request.principal.store
    job = found(Job.objects.filter(store_id=store.pk, pk=pk, kind__in=KINDS).first())
    context = {"job": job, "running": job.state in (Job.State.NEW, Job.State.RUNNING)}
    if "rest" in request.GET and (rest := rest_of(job)) is not None:
        response = HttpResponse(rest.encode(), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="rest-{job.pk}.csv"'
        response.headers["Cache-Control"] = "no-store"
        return response
    if request.htmx and not context["running"] and "poll" in request.GET:
        return go(request, request.path)
    return render(request, "customers/job_state.html" if request.htmx else "customers/job.html", context)
