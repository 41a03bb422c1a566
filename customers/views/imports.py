"""Files that people bring: tried first, then applied, with their progress and what is wrong row by row."""

from pathlib import PurePath

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from common.clock import now
from common.errors import Refused
from customers.forms import ImportForm
from customers.imports.again import bring_in, drop_old_files, is_kept
from customers.imports.jobs import KINDS, rest_of, start_import
from ops.models import Job
from staff.pages import PageRequest, found, go, person_of, tell

SHOWN = 20


@require_http_methods(["GET", "POST", "HEAD"])
def imports(request: PageRequest) -> HttpResponse:
    """Bring a file; the files brought before."""
    store = request.principal.store
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        drop_old_files(now())
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
    if request.method == "POST":
        return _bring_in(request, job)
    rest = rest_of(job)
    context = {
        "job": job,
        "running": job.state in (Job.State.NEW, Job.State.RUNNING),
        "can_apply": is_kept(job, now()),
        "has_rest": rest is not None,
    }
    if "rest" in request.GET and rest is not None:
        response = HttpResponse(rest.encode(), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="rest-{job.pk}.csv"'
        response.headers["Cache-Control"] = "no-store"
        return response
    if request.htmx and not context["running"] and "poll" in request.GET:
        return go(request, request.path)
    return render(request, "customers/job_state.html" if request.htmx else "customers/job.html", context)


def _bring_in(request: PageRequest, job: Job) -> HttpResponse:
    try:
        begun = bring_in(
            store=request.principal.store, job_id=job.pk,
            accept_good_rows=request.POST.get("apply") == "good", actor=person_of(request), at=now(),
        )  # fmt: skip
    except Refused as refused:
        tell(request, refused)
        return redirect("import-job", job.pk)
    return redirect("import-job", begun.pk)
