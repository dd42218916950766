------------------------- MODULE ClaimTicketsProcess ------------------------
(***************************************************************************)
(* The claim tickets: what a process does.  It takes frames from its lane  *)
(* to a buffer of its own, and tries the ticket of the oldest before it    *)
(* looks at what is in it.  If it wins, it has claimed the call; if not,   *)
(* it throws the frame away, and answers "dropped".  An answer is written  *)
(* to its end before the next ticket is tried.  It may die anywhere.       *)
(***************************************************************************)
EXTENDS ClaimTicketsState

Ready(p) ==  \* the initializer has run
  /\ procs[p] = "starting"
  /\ Goes(p, "idle")
  /\ UNCHANGED <<phase, calls, runs, lanes, taken, answers, ring, watch, deaths>>

TakeFrame(p) ==  \* from the lane to its own buffer
  /\ procs[p] = "idle" /\ lanes[p] # <<>>
  /\ taken' = [taken EXCEPT ![p] = Append(@, Head(lanes[p]))]
  /\ lanes' = [lanes EXCEPT ![p] = Tail(@)]
  /\ UNCHANGED <<phase, calls, procs, runs, answers, ring, watch, deaths>>

(* The answer to the oldest frame in its buffer is begun. *)
Answers(p, w, serial) ==
  /\ Goes(p, "answering")
  /\ answers' = [answers EXCEPT ![p] = Append(@, [serial |-> serial, call |-> w, kind |-> "part"])]

Wins(p) ==  \* the ticket of the oldest frame in its buffer
  LET w == Head(taken[p])
      s == SlotOf(NextSerial(p))
  IN  /\ tickets[p][s] > 0
      /\ tickets' = [tickets EXCEPT ![p][s] = @ - 1]
      /\ taken' = [taken EXCEPT ![p] = Tail(@)]
      /\ runs' = [runs EXCEPT ![p] = w]
      /\ begun' = [begun EXCEPT ![w] = @ + 1]
      /\ Goes(p, "claimed")
      /\ UNCHANGED <<phase, places, wheres, endings, numbers, lanes, answers>>
      /\ UNCHANGED <<slots, sent, due, watch, deaths>>

Claim(p) ==  \* it has not looked at what is in the frame
  /\ procs[p] = "idle" /\ taken[p] # <<>>
  /\ Wins(p)

Drop(p) ==  \* it does not win: the frame is thrown away unread
  /\ procs[p] = "idle" /\ taken[p] # <<>>
  /\ tickets[p][SlotOf(NextSerial(p))] = 0
  /\ Answers(p, Head(taken[p]), NextSerial(p))
  /\ taken' = [taken EXCEPT ![p] = Tail(@)]
  /\ UNCHANGED <<phase, calls, runs, lanes, ring, watch, deaths>>

(* The serial of what it has claimed: it is the last that it has tried. *)
RunsSerial(p) == (NextSerial(p) + Serials - 1) % Serials

Unpickle(p) ==
  /\ procs[p] = "claimed" /\ runs[p] \notin Poison
  /\ Goes(p, "running")
  /\ UNCHANGED <<phase, calls, runs, lanes, taken, answers, ring, watch, deaths>>

UnpickleFails(p) ==  \* that costs the call alone
  /\ procs[p] = "claimed" /\ runs[p] \notin Poison
  /\ Answers(p, runs[p], RunsSerial(p))
  /\ UNCHANGED <<phase, calls, runs, lanes, taken, ring, watch, deaths>>

RunEnds(p) ==  \* the call returns or raises
  /\ procs[p] = "running"
  /\ Answers(p, runs[p], RunsSerial(p))
  /\ UNCHANGED <<phase, calls, runs, lanes, taken, ring, watch, deaths>>

WriteAnswer(p) ==  \* the rest of the answer, before the next ticket is tried
  LET last == Len(answers[p])
      kind == IF runs[p] = 0 THEN "dropped" ELSE "result"
  IN  /\ procs[p] = "answering"
      /\ answers' = [answers EXCEPT ![p][last].kind = kind]
      /\ runs' = [runs EXCEPT ![p] = 0]
      /\ Goes(p, "idle")
      /\ UNCHANGED <<phase, calls, lanes, taken, ring, watch, deaths>>

Exit(p) ==  \* it was told to; if it dies instead, it has ended, too
  /\ watch[p] = "told" /\ procs[p] \in Alive
  /\ Goes(p, "ended")
  /\ UNCHANGED <<phase, calls, runs, lanes, taken, answers, ring, watch, deaths>>

Dies(p) ==  \* its memory is gone; what it wrote stays in its lane
  /\ Goes(p, IF procs[p] = "starting" THEN "stillborn" ELSE "dead")
  /\ lanes' = [lanes EXCEPT ![p] = <<>>] /\ taken' = [taken EXCEPT ![p] = <<>>]
  /\ UNCHANGED <<phase, calls, runs, answers, ring, watch>>

Die(p) ==  \* at any point
  /\ deaths < Deaths /\ procs[p] \in Alive /\ watch[p] # "told"
  /\ Dies(p)
  /\ deaths' = deaths + 1

DieOfPoison(p) ==  \* it unpickles what it has claimed
  /\ procs[p] = "claimed" /\ runs[p] \in Poison
  /\ Dies(p)
  /\ UNCHANGED deaths

-----------------------------------------------------------------------------

OfProcess(p) ==
  \/ Ready(p) \/ TakeFrame(p) \/ Claim(p) \/ Drop(p) \/ Unpickle(p) \/ UnpickleFails(p)
  \/ RunEnds(p) \/ WriteAnswer(p) \/ Exit(p) \/ DieOfPoison(p)
=============================================================================
